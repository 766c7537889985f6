import { expect, test, vi } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { newsSchema } from '../../src/wire/daemon-api.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'

async function start() {
  const { world, catalog } = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const post = async (records: unknown[]) => {
    const { setAside, mended, ...news } = newsSchema.parse({
      protocol: 2,
      daemonId: 'x',
      server: IP,
      records,
      running: [],
    })
    await acceptNews(world, news, { from: IP, setAside, mended })
    return { setAside, mended }
  }
  return { world, records: catalog.records, post }
}

const ended = sampleRecord({
  seq: 5,
  state: 'failed',
  end: '2026-11-23T08:45:00Z',
  warnings: ['w'],
  warningCount: 1,
  error: { code: 'STORE_FULL', message: 'full', facts: { free: 1 } },
  result: { size: 7, deleted: ['a', 'b'], backup: sampleBackup() },
})
const { error, result } = ended
let deep: unknown = 1
for (let level = 0; level < 40; level++) deep = [deep]

test.each<[string, object, object]>([
  ['progress', { progress: { ...sampleProgress(1), filesDone: 3e9 } }, { progress: null }],
  ['facts of an error', { error: { ...error, facts: { deep } } }, { error: { ...error, facts: {} } }],
  ['a result', { result: 7 }, { error, result: null }],
  ['a size in a result', { result: { ...result, size: -1 } }, { result: { deleted: ['a', 'b'] } }],
  [
    'a name in a result',
    { result: { ...result, deleted: ['a', 7] } },
    { result: { size: 7, deleted: ['a'] } },
  ],
  [
    'a backup in a result',
    { result: { ...result, backup: { ...sampleBackup(), files: 3e9 } } },
    { result: { size: 7, backup: { files: null, corrupt: expect.stringContaining('not valid') } } },
  ],
  ['a warning', { warnings: ['w', 7] }, { warnings: ['w'], warningCount: 1 }],
  ['the count of warnings', { warningCount: 3e9 }, { warnings: ['w'], warningCount: 1 }],
])('%s out of bounds does not keep a run from ending', async (_, bad, kept) => {
  const { world, records, post } = await start()
  await post([sampleRecord()])
  expect(await post([{ ...ended, ...bad }])).toMatchObject({ setAside: [], mended: [expect.any(String)] })
  const record = (await records.get(ended.rid))?.record
  expect(record).toMatchObject({ state: 'failed', end: ended.end, ...kept })
  expect(record?.reason).toContain('not all of this record can be read')
  expect(await records.unfinished()).toEqual([])
  expect(JSON.stringify(world.problems.list())).toContain('Set aside 1 parts of records')
})

test.each(['rid', 'server', 'state', 'jobId', 'action', 'start', 'seq'])(
  'a record without a valid %s is set aside',
  async (key) => {
    const { records, post } = await start()
    const { setAside, mended } = await post([{ ...ended, rid: ridOf(2), [key]: null }])
    expect(setAside).toEqual([expect.stringContaining(`${key}: `)])
    expect(mended).toEqual([])
    expect((await records.find({}, { first: 1 })).items).toEqual([])
  },
)

test('a post is compared with runs of other servers by one query', async () => {
  const { world, records, post } = await start()
  const other = sampleRecord({ rid: ridOf(3), server: '10.0.0.2', jobId: '' })
  await records.apply([other])
  const get = vi.spyOn(world.ports.records, 'get')
  const serversOf = vi.spyOn(world.ports.records, 'serversOf')
  const many = Array.from({ length: 1000 }, (_, at) => sampleRecord({ rid: ridOf(3 + at) }))
  await post(many)
  expect(serversOf).toHaveBeenCalledTimes(1)
  expect(get).not.toHaveBeenCalled()
  expect(await records.unfinished(IP)).toHaveLength(999)
  expect((await records.get(ridOf(3)))?.record.server).toBe('10.0.0.2')
})
