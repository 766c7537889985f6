import { expect, test } from 'vitest'
import { NEVER } from '../../src/lib/clock.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { rawRequest } from '../support/raw-http.ts'
import { askGraphQL, startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

const PATH = '/api/v2/system/notify'
const JSON_TYPE = { 'content-type': 'application/json' }

async function start(folder?: string) {
  const { url, close } = await startTestController({
    folder: folder ?? (await testFolder()),
    inventory: toldInventory(given.app('hello').proc('web').on('10.0.0.1').volume('/data/db').inventory()),
  })
  const post = (body: unknown, headers: Record<string, string> = JSON_TYPE) =>
    rawRequest(url, {
      method: 'POST',
      path: PATH,
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const states = async () =>
    (
      await askGraphQL<{ records: { nodes: { rid: string; state: string }[] } }>(
        url,
        '{ records { nodes { rid state } } }',
      )
    ).data?.records.nodes
  return { url, close, post, states }
}

const news = (records: object[]) => ({ protocol: 2, daemonId: 'x', server: '10.0.0.1', records, running: [] })
const done = sampleRecord({
  seq: 5,
  state: 'success',
  end: '2026-11-23T08:45:00Z',
  result: { backup: sampleBackup() },
})

test('news that was answered with 200 is there after a restart', async () => {
  const folder = await testFolder()
  const first = await start(folder)
  expect(await first.post(news([sampleRecord({ rid: ridOf(2) }), done]))).toMatchObject({
    status: 200,
    body: '"OK"',
  })
  await first.close()
  const second = await start(folder)
  expect(await second.states()).toEqual([
    { rid: ridOf(2), state: 'RUNNING' },
    { rid: ridOf(1), state: 'SUCCESS' },
  ])
})

test('the same news twice and out of order changes nothing', async () => {
  const { post, states } = await start()
  for (const record of [done, sampleRecord(), done]) await post(news([record]))
  expect(await states()).toEqual([{ rid: ridOf(1), state: 'SUCCESS' }])
})

test('a batch of a hundred records with a thousand warnings each is accepted', async () => {
  const { post } = await start()
  const warnings = Array.from(
    { length: 1000 },
    (_, at) => `file number ${at} of many changed while it was read`,
  )
  const records = Array.from({ length: 100 }, (_, at) =>
    sampleRecord({ rid: ridOf(at + 1), warnings, warningCount: 1000 }),
  )
  expect((await post(news(records))).status).toBe(200)
})

test('a record of a legacy daemon is accepted as it is', async () => {
  const { post, states } = await start()
  const legacy = {
    id: '0a000001aaaa',
    spec: '0 5 * * *',
    action: 'backup',
    args: null,
    type: 'once',
    sleep: false,
    rid: ridOf(1),
    result: null,
    state: 'running',
    start: done.start,
    end: NEVER,
    reason: '',
  }
  expect((await post(legacy)).status).toBe(200)
  expect(await states()).toEqual([{ rid: ridOf(1), state: 'RUNNING' }])
})

test.for([
  ['nothing', '', JSON_TYPE, 400],
  ['no JSON', '{"rid": ', JSON_TYPE, 400],
  ['a list', [], JSON_TYPE, 400],
  ['null', 'null', JSON_TYPE, 400],
  ['a record without an rid', { id: 'x' }, JSON_TYPE, 400],
  ['a prototype', '{"__proto__": {"x": 1}}', JSON_TYPE, 400],
  ['a form', 'rid=7', { 'content-type': 'application/x-www-form-urlencoded' }, 400],
] as const)('%s is refused with a JSON string, and nothing is stored', async ([, body, headers, status]) => {
  const { post, states } = await start()
  const answer = await post(body, { ...headers })
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toEqual(expect.any(String))
  expect(await states()).toEqual([])
})

test('a record with a key that could change a prototype loses the key, and does not block others', async () => {
  const { post, states } = await start()
  const body = JSON.stringify(news([sampleRecord({ rid: ridOf(2) }), done]))
  const evil = body.replace('"args":{', '"args":{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}},')
  expect(evil).not.toBe(body)
  expect(await post(evil)).toMatchObject({ status: 200 })
  expect((await states())?.map(({ rid }) => rid).sort()).toEqual([done.rid, ridOf(2)].sort())
})

test('an endless body is cut off', async () => {
  const { post } = await start()
  const answer = await post(news([sampleRecord({ reason: 'x'.repeat(33 * 1024 * 1024) })]))
  expect(answer.status).toBe(413)
})
