import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createDaemonMemory, type DaemonMemory } from '../../../src/daemon/memory/daemon-memory.ts'
import { type DaemonDb, openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { MAX_SILENCE_MS, Outbox } from '../../../src/daemon/memory/outbox.ts'
import { Notifier } from '../../../src/daemon/notifier/notifier.ts'
import { Wake } from '../../../src/daemon/notifier/wake.ts'
import { Problems } from '../../../src/lib/problems.ts'
import { newsSchema } from '../../../src/wire/daemon-api.ts'
import { type LegacyRecord, type RunRecord, runResultSchema } from '../../../src/wire/record.ts'
import { keptLog, movedClock, sampleRun, someProgress, temporaryDir } from '../../support/daemon-kit.ts'
import { type NewsReceiver, startReceiver } from '../../support/news-receiver.ts'

let dir: ReturnType<typeof temporaryDir>
let clock: ReturnType<typeof movedClock>
let log: ReturnType<typeof keptLog>
let running: string[]
let db: DaemonDb
let notifier: Notifier
let memory: DaemonMemory
let receiver: NewsReceiver

beforeEach(async () => {
  dir = temporaryDir()
  clock = movedClock()
  log = keptLog()
  running = []
  open()
  receiver = await startReceiver()
})

afterEach(async () => {
  await close()
  await receiver.close()
  dir[Symbol.dispose]()
})

function open(): void {
  db = openDaemonDatabase(join(dir.path, 'daemon.db'), log)
  notifier = new Notifier(
    new Outbox(db, clock),
    { daemonId: 'd1', server: '10.0.0.1', clock, running: () => running },
    { log, problems: new Problems(clock) },
  )
  memory = createDaemonMemory(db, clock, notifier)
  notifier.start()
}

async function close(): Promise<void> {
  await notifier.flush(1000)
  await notifier.close()
  db.close()
}

function states(posts: { records: RunRecord[] }[]): string[] {
  return posts.flatMap(({ records }) => records.map(({ state }) => state))
}

test('changes arrive in order, in the shape of protocol 2', async () => {
  await notifier.add({ address: receiver.url, protocol: 2 })
  const run = sampleRun()
  for (const state of ['queued', 'running', 'success'] as const) await memory.keep([run.at(state)])
  await receiver.until(() => states(receiver.taken).includes('success'))
  expect(states(receiver.taken)).toEqual(['queued', 'running', 'success'])
  for (const post of receiver.taken)
    expect(newsSchema.parse(post)).toMatchObject({ daemonId: 'd1', server: '10.0.0.1' })
  expect([...receiver.contentTypes]).toEqual(['POST application/json'])
})

test('the legacy posts are as recorded, two for each run', async () => {
  const recorded = JSON.parse(readFileSync('test/fixtures/wire/notify.json', 'utf8')).map(
    ({ body }: { body: LegacyRecord }) => body,
  ) as LegacyRecord[]
  await notifier.add({ address: receiver.url, protocol: 1 })
  const ends = recorded.filter(({ state }) => state === 'success')
  for (const end of ends) await keepRun(end)
  await receiver.until(() => receiver.taken.length === recorded.length)
  for (const end of ends) {
    const posts = receiver.taken.filter(({ rid }) => rid === end.rid)
    const begin = recorded.find(({ rid, state }) => rid === end.rid && state === 'running')
    expect(posts).toEqual([begin, end])
  }
})

async function keepRun(end: LegacyRecord): Promise<void> {
  const { id: jobId, spec, action, args, type, rid, start } = end
  const run = sampleRun({
    jobId,
    spec,
    action,
    args: args ?? {},
    type: type === 'once' ? 'once' : 'cron',
    rid,
    start,
  })
  const result = end.result === null ? null : runResultSchema.parse(end.result)
  await memory.keep([run.at('queued')])
  await memory.keep([run.at('running')])
  memory.progressed(run.at('running', { progress: someProgress(5) }))
  await memory.keep([run.at('success', { end: end.end, result })])
}

test('states unknown to the legacy system are sent as failed, with the reason', async () => {
  await notifier.add({ address: receiver.url, protocol: 1 })
  await memory.keep([sampleRun().at('partial', { reason: '2 files changed while they were read' })])
  await receiver.until(() => receiver.taken.length === 2)
  expect(receiver.taken[1]).toMatchObject({ state: 'failed', reason: '2 files changed while they were read' })
})

test('an address that answers 500 gets the same again, then the rest in order, nothing twice', async () => {
  let refusals = 2
  receiver.answer = () => (refusals-- > 0 ? 500 : 204)
  await notifier.add({ address: receiver.url, protocol: 1 })
  const run = sampleRun()
  for (const state of ['running', 'failed'] as const) await memory.keep([run.at(state)])
  await receiver.until(() => receiver.taken.length === 2)
  expect(receiver.seen.map(({ state }) => state)).toEqual(['running', 'running', 'running', 'failed'])
  const warnings = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  expect(warnings.filter((message) => message.includes('Cannot send news'))).toHaveLength(1)
  expect(log.lines.at(-1)?.message).toContain('accepts news again')
})

test.each([301, 302, 303, 304, 307, 308])(
  'news answered %i is not delivered: it is not redirected, and is sent again',
  async (status) => {
    await using other = await startReceiver()
    receiver.headers = { location: other.url }
    let redirects = 2
    receiver.answer = () => (redirects-- > 0 ? status : 204)
    await notifier.add({ address: receiver.url, protocol: 2 })
    await memory.keep([sampleRun().at('success')])
    await receiver.until(() => receiver.taken.length === 1)
    expect(states(receiver.seen)).toEqual(['success', 'success', 'success'])
    expect(other.seen).toEqual([])
    const warnings = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(warnings).toContainEqual(expect.stringContaining(`it answered ${status}`))
  },
)

test('news waits for an address that is down, across a restart of the daemon, and arrives when it is up', async () => {
  const { port, url } = receiver
  await receiver.close()
  await notifier.add({ address: url, protocol: 2 })
  const run = sampleRun()
  await memory.keep([run.at('running')])
  await close()
  open()
  await memory.keep([run.at('success')])
  receiver = await startReceiver(port)
  await receiver.until(() => states(receiver.taken).includes('success'))
  expect(states(receiver.taken)).toEqual(['running', 'success'])
  await close()
  open()
  await memory.keep([sampleRun().at('failed')])
  await receiver.until(() => states(receiver.taken).includes('failed'))
  expect(states(receiver.taken)).toEqual(['running', 'success', 'failed'])
})

test('a hanging address does not delay others', async () => {
  await using other = await startReceiver()
  receiver.answer = () => new Promise(() => {})
  await notifier.add({ address: receiver.url, protocol: 2 })
  await notifier.add({ address: other.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await other.until(() => other.taken.length > 0)
  expect(receiver.taken).toEqual([])
})

test('a backlog is sent in batches of at most a hundred', async () => {
  const runs = Array.from({ length: 250 }, () => sampleRun())
  for (const run of runs) void memory.keep([run.at('failed')])
  await memory.keep([])
  await notifier.add({ address: receiver.url, protocol: 2 })
  await receiver.until(() => states(receiver.taken).length === 250)
  expect(receiver.taken.map(({ records }) => records.length)).toEqual([100, 100, 50])
  expect(receiver.taken.flatMap(({ records }) => records.map(({ rid }) => rid))).toEqual(
    runs.map(({ rid }) => rid),
  )
})

test('progress during a slow post is sent once, only the newest, with other news', async () => {
  const gate = Promise.withResolvers<number>()
  receiver.answer = () => gate.promise
  await notifier.add({ address: receiver.url, protocol: 2 })
  const [run, other] = [sampleRun(), sampleRun()]
  running = [run.rid]
  await memory.keep([run.at('running')])
  await receiver.until(() => receiver.seen.length === 1)
  for (let n = 1; n <= 50; n++) memory.progressed(run.at('running', { progress: someProgress(n) }))
  await memory.keep([other.at('success')])
  receiver.answer = () => 200
  gate.resolve(200)
  await receiver.until(() => receiver.taken.length === 2)
  const [, second] = receiver.taken
  expect(second?.records.map(({ rid, progress }) => [rid, progress?.bytesDone])).toEqual([
    [other.rid, undefined],
    [run.rid, 50],
  ])
  expect(second?.running).toEqual([run.rid])
})

test('no progress of a run is sent after its end', async () => {
  await notifier.add({ address: receiver.url, protocol: 2 })
  const run = sampleRun()
  await memory.keep([run.at('running')])
  memory.progressed(run.at('running', { progress: someProgress(1) }))
  memory.progressed(run.at('running', { progress: someProgress(2) }))
  await memory.keep([run.at('success')])
  await notifier.flush(5000)
  const all = states(receiver.taken)
  expect(all.indexOf('success')).toBe(all.length - 1)
})

test('the heartbeat names only runs that still run, not those ending in the same post', async () => {
  const [run, other] = [sampleRun(), sampleRun()]
  running = [run.rid, other.rid]
  await notifier.add({ address: receiver.url, protocol: 2 })
  await receiver.until(() => receiver.taken.length === 1)
  expect(receiver.taken[0]).toMatchObject({ records: [], running })
  await memory.keep([run.at('success')])
  await receiver.until(() => receiver.taken.length === 2)
  expect(receiver.taken[1]?.running).toEqual([other.rid])
})

test('after a change of protocol, an address gets the rest of its news in the new one', async () => {
  await notifier.add({ address: receiver.url, protocol: 1 })
  const run = sampleRun()
  await memory.keep([run.at('running')])
  await receiver.until(() => receiver.taken.length === 1)
  await notifier.flush(5000)
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([run.at('success')])
  await receiver.until(() => receiver.taken.length === 2)
  expect(receiver.taken[1]?.records.map(({ state }) => state)).toEqual(['success'])
})

test('an address whose protocol is changed twice at once gets all news once', async () => {
  await memory.keep([sampleRun().at('success')])
  const held = Promise.withResolvers<number>()
  receiver.answer = () => held.promise
  await notifier.add({ address: receiver.url, protocol: 1 })
  await receiver.until(() => receiver.seen.length === 1)
  const modern = { address: receiver.url, protocol: 2 } as const
  await Promise.all([notifier.add(modern), notifier.add(modern)])
  await receiver.until(() => receiver.seen.length > 1)
  // The old courier was stopped; on its own, it would give up only after 20 s.
  await expect.poll(() => receiver.givenUp, { timeout: 15_000 }).toBe(1)
  held.resolve(200)
  await notifier.flush(5000)
  expect(receiver.seen.filter(({ protocol }) => protocol === 2)).toHaveLength(1)
})

test('an address that is added again is tried at once, however long its pause was', async () => {
  receiver.answer = () => 500
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await receiver.until(() => receiver.seen.length === 4)
  receiver.answer = () => 200
  await notifier.add({ address: receiver.url, protocol: 2 })
  await receiver.until(() => receiver.taken.length === 1)
  expect(receiver.seen).toHaveLength(5)
})

test('an address that is added again logs its failure at once, and its pauses begin at half a second', async () => {
  receiver.answer = () => 500
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await receiver.until(() => receiver.seen.length === 2)
  const said = () => log.lines.filter(({ message }) => message.startsWith('Cannot send news')).length
  expect(said()).toBe(1)
  await notifier.add({ address: receiver.url, protocol: 2 })
  await expect.poll(said).toBe(2)
})

test('an address that answers 503 with Retry-After gets the same again after that time, and the rest in order', async () => {
  const pauses = vi.spyOn(Wake.prototype, 'wait')
  onTestFinished(() => void vi.restoreAllMocks())
  const longPauses = () => pauses.mock.calls.filter(([ms]) => ms >= 7000 && ms <= 8750).length
  receiver.headers = { 'retry-after': '7' }
  receiver.answer = () => 503
  await notifier.add({ address: receiver.url, protocol: 2 })
  const run = sampleRun()
  await memory.keep([run.at('running')])
  await expect.poll(longPauses).toBe(1)
  await memory.keep([run.at('success')])
  receiver.answer = () => 200
  await notifier.add({ address: receiver.url, protocol: 2 })
  await receiver.until(() => states(receiver.taken).length === 2)
  expect(states(receiver.taken)).toEqual(['running', 'success'])
  expect(longPauses()).toBe(1)
})

test.each([
  { status: 503, header: '999999999', from: 60_000, to: 75_000 },
  { status: 503, header: '0', from: 1000, to: 1250 },
  { status: 500, header: '7', from: 250, to: 500 },
  { status: 503, header: 'Wed, 21 Oct 2015 07:28:00 GMT', from: 250, to: 500 },
])(
  'Retry-After: $header with $status means a pause of $from to $to ms',
  async ({ status, header, from, to }) => {
    const pauses = vi.spyOn(Wake.prototype, 'wait')
    onTestFinished(() => void vi.restoreAllMocks())
    receiver.headers = { 'retry-after': header }
    receiver.answer = () => status
    await notifier.add({ address: receiver.url, protocol: 2 })
    await memory.keep([sampleRun().at('success')])
    const asked = () => pauses.mock.calls.map(([ms]) => ms).filter(Number.isFinite)
    await expect.poll(asked).not.toEqual([])
    expect(asked()[0]).toBeGreaterThanOrEqual(from)
    expect(asked()[0]).toBeLessThanOrEqual(to)
  },
)

test('a removed address gets nothing more', async () => {
  await using other = await startReceiver()
  await notifier.add({ address: receiver.url, protocol: 2 })
  await notifier.add({ address: other.url, protocol: 2 })
  await notifier.remove(receiver.url)
  expect(notifier.addresses()).toEqual([other.url])
  await memory.keep([sampleRun().at('success')])
  await other.until(() => other.taken.length === 1)
  await notifier.flush(5000)
  expect(receiver.seen).toEqual([])
})

test('an address that is silent for a week is dropped with an error, and the news is kept for the next one', async () => {
  receiver.answer = () => 503
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await receiver.until(() => receiver.seen.length === 2)
  clock.move(MAX_SILENCE_MS)
  await expect.poll(() => notifier.addresses(), { timeout: 30_000 }).toEqual([])
  expect(notifier.droppedAddress).toBe(true)
  expect(log.lines.find(({ level }) => level === 'error')?.message).toContain(
    'accepted no news for 7 days and was dropped',
  )
  receiver.answer = () => 200
  await notifier.add({ address: receiver.url, protocol: 2 })
  expect(notifier.droppedAddress).toBe(false)
  await receiver.until(() => states(receiver.taken).length === 1)
})

test('an address that never answers is tried again', async () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms === 20_000 ? 50 : ms))
  onTestFinished(() => void vi.restoreAllMocks())
  const never = new Promise<number>(() => {})
  receiver.answer = () => never
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await receiver.until(() => receiver.seen.length === 2)
  receiver.answer = () => 200
  await receiver.until(() => states(receiver.taken).length === 1)
})

test('news continues if the silence of an address cannot be stored', async () => {
  receiver.answer = () => 503
  db.exec(
    "CREATE TRIGGER full BEFORE UPDATE OF silent_since ON addresses BEGIN SELECT raise(FAIL, 'full'); END",
  )
  await notifier.add({ address: receiver.url, protocol: 2 })
  await memory.keep([sampleRun().at('success')])
  await receiver.until(() => receiver.seen.length === 2)
  db.exec('DROP TRIGGER full')
  receiver.answer = () => 200
  await receiver.until(() => states(receiver.taken).length === 1)
})
