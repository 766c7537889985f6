import { expect, test } from 'vitest'
import {
  BackupsDocument,
  CancelRecordDocument,
  JobsDocument,
  MigrateDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
  SleepJobDocument,
} from '../support/client/generated/operations.ts'
import { given } from '../support/given.ts'
import { handClock } from '../support/hand-clock.ts'
import { startLegacyDaemon } from '../support/legacy-daemon.ts'
import {
  askGraphQL,
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const [ONE, TWO] = ['127.0.0.1', '127.0.0.2'] as const
const SOURCE = '/data/lain/volumes/hello/hello.web.web/1/data/db'

function backupOf(name: string, mode: 'full' | 'increment', volume: string) {
  const created = '2026-11-23T08:30:00.123456789Z'
  const source = SOURCE.replace('/data/db', volume)
  return { mode, source, volume, name, server: ONE, size: 342, created, containers: ['c1'], instanceNo: 1 }
}

const FULL = backupOf('hello-hello.web.web-1-data-db-1795423489.tar.gz', 'full', '/data/db')
const MIRROR = backupOf('hello-hello.web.web-1-data-files', 'increment', '/data/files')

/** A legacy daemon on ONE, one of ours on TWO where that is asked for, and our controller, whose clock a test moves. */
async function start(servers: string[] = [ONE]) {
  const folder = await testFolder()
  const clock = handClock()
  const { daemon: legacy, url, seen } = await startLegacyDaemon(clock.now)
  legacy.backups = [FULL, MIRROR]
  const two = servers.includes(TWO) ? await startTestDaemon(folder, TWO) : undefined
  const controller = await startTestController({
    folder,
    clock,
    volumeRoot: '/data/lain/volumes',
    inventory: toldInventory(
      given
        .app('hello')
        .proc('web')
        .on(...servers)
        .volumes('/data/db', '/data/files')
        .inventory(),
    ),
    daemonUrls: { [ONE]: url, ...(two && { [TWO]: two.url }) },
  })
  const { execute } = controller
  await expect.poll(() => legacy.jobs.length, { timeout: 30_000 }).toBe(3)
  const stateOf = async (rid: string) => (await execute(RecordDocument, { rid })).record?.state
  const jobs = () => execute(JobsDocument, { filter: { server: ONE, action: 'backup' } })
  const jobId = async () => (await jobs()).jobs.find(({ volume }) => volume === '/data/db')?.id ?? ''
  await expect.poll(async () => (await execute(BackupsDocument, {})).backups.totalCount).toBe(2)
  return { ...controller, legacy, seen, clock, stateOf, jobs, jobId }
}

const SERVERS = '{ servers { ip reachable protocol capabilities problems } }'

test('our controller sends it jobs and its address, and says what it lacks', async () => {
  const { url, legacy, seen } = await start([ONE, TWO])
  expect(legacy.notify).toEqual([`${url}/api/v2/system/notify`])
  const put = seen.find(({ method, path }) => method === 'PUT' && path === '/api/v1/cron/jobs')
  const sent = JSON.parse(new Map(put?.form).get('data') ?? '') as { id: string; action: string }[]
  expect(sent.map(({ id, action }) => [action, id.length])).toEqual([
    ['backup', 40],
    ['backup', 40],
    ['backup_expire', 0],
  ])
  const { data } = await askGraphQL(url, SERVERS)
  expect(data).toMatchObject({
    servers: [
      {
        ip: ONE,
        reachable: true,
        protocol: null,
        capabilities: ['original'],
        problems: [expect.stringContaining('It is a legacy daemon: no progress, no cancelling')],
      },
      { ip: TWO, protocol: 2, capabilities: expect.arrayContaining(['progress', 'cancel', 'namespaces']) },
    ],
  })
})

test.each(['begin first', 'end first'] as const)(
  'its run is stored under its rid, in the order %s',
  async (order) => {
    const { execute, legacy, stateOf, jobId } = await start()
    const { runJob } = await execute(RunJobDocument, { id: await jobId() })
    expect(legacy.runs.has(runJob.rid)).toBe(true)
    expect(await stateOf(runJob.rid)).toBe('QUEUED')
    await legacy.tell(runJob.rid, { result: { file: 'f.tar.gz', size: 342 } }, order)
    expect(await stateOf(runJob.rid)).toBe('SUCCESS')
    const { record } = await execute(RecordDocument, { rid: runJob.rid })
    expect(record).toMatchObject({ result: { file: 'f.tar.gz' }, reason: null })
  },
)

test('a run cannot be cancelled there, and the error says so', async () => {
  const { execute, jobId } = await start()
  const { runJob } = await execute(RunJobDocument, { id: await jobId() })
  await expect(execute(CancelRecordDocument, { rid: runJob.rid })).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
    message: expect.stringContaining('is a legacy one, which cannot cancel a run'),
  })
})

test('it recovers its backups, as a whole or by files', async () => {
  const { execute, legacy, seen, stateOf } = await start()
  const name = { app: 'hello', proc: 'web' }
  const { recover } = await execute(RecoverDocument, { input: { ...name, backup: FULL.name } })
  await legacy.tell(recover.rid, {})
  expect(await stateOf(recover.rid)).toBe('SUCCESS')
  await execute(RecoverDocument, { input: { ...name, backup: MIRROR.name, files: ['a', 'sub'] } })
  const asked = seen.filter(({ path }) => path.includes('/recover/'))
  expect(asked.map(({ path }) => path)).toEqual([
    `/api/v1/backup/full/recover/file/${FULL.name}`,
    `/api/v1/backup/increment/recover/dir/${MIRROR.name}`,
  ])
  expect(asked[1]?.form).toEqual(
    expect.arrayContaining([
      ['namespace', ONE],
      ['destDir', MIRROR.source],
      ['files', 'a'],
      ['files', 'sub'],
    ]),
  )
})

test.each([
  ['a recover of an increment without names', { backup: MIRROR.name }],
  ['a recover of single files of a full backup', { backup: FULL.name, files: ['a'] }],
])('%s is not requested of it', async (_, what) => {
  const { execute, legacy } = await start()
  const input = { app: 'hello', proc: 'web', ...what }
  await expect(execute(RecoverDocument, { input })).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
    message: expect.stringContaining('Nothing was done'),
  })
  expect(legacy.runs.size).toBe(0)
})

test('a backup of its server can be migrated to a server of ours', async () => {
  const { execute, legacy, stateOf } = await start([ONE, TWO])
  const input = { app: 'hello', proc: 'web', backup: FULL.name, volume: '/data/db' }
  const { migrate } = await execute(MigrateDocument, { input: { ...input, to: 2 } })
  expect(migrate.server.ip).toBe(TWO)
  // The store of this test holds no such archive: that ours looks for it there is what counts.
  await expect.poll(() => stateOf(migrate.rid), { timeout: 30_000 }).toBe('FAILED')
  const { record } = await execute(RecordDocument, { rid: migrate.rid })
  expect(record?.reason).toContain(FULL.name)
  expect(legacy.runs.size).toBe(0)
})

test('after a restart it gets its jobs again, and sleeping jobs sleep', async () => {
  const { execute, legacy, clock, jobs, jobId, log } = await start()
  const id = await jobId()
  await execute(SleepJobDocument, { id })
  const before = legacy.jobs.map((job) => job.id)
  clock.move(10_000)
  legacy.restart()
  clock.move(31_000)
  await expect.poll(() => legacy.jobs.map((job) => job.id), { timeout: 30_000 }).toEqual(before)
  await expect.poll(() => legacy.jobs.find((job) => job.id === id)?.sleep).toBe(true)
  await expect
    .poll(async () => (await jobs()).jobs.map((job) => [job.volume, job.asleep]))
    .toEqual([
      ['/data/db', true],
      ['/data/files', false],
    ])
  expect(legacy.notify).toHaveLength(1)
  expect(log.lines).toContain('The daemon lost the sleep state of jobs; it was restored')
})
