import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { startApollo } from '../../src/controller/apollo.ts'
import { Callers } from '../../src/controller/callers.ts'
import { createHttpApp } from '../../src/controller/http-app.ts'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import { tick } from '../../src/domain/controller.ts'
import { readListSizes } from '../../src/domain/list-sizes.ts'
import { TURN_MS } from '../../src/domain/own-stalls.ts'
import type { RecordStore } from '../../src/domain/ports.ts'
import type { UserWorld } from '../../src/domain/user-world.ts'
import { watchRecords } from '../../src/domain/watch-records.ts'
import { closeApp, listen } from '../../src/http/app.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { sleep } from '../../src/lib/sleep.ts'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { given } from '../support/given.ts'
import { type FleetReport, startFleet } from '../support/impatient-fleet.ts'
import { onEnd } from '../support/lifetime.ts'

// Far more news than a slow catalog can take: a midnight of many daemons, at a size that CI can bear.

const DAEMONS = 20
const RUNS_PER_DAEMON = 60
/** The store needs so long for each change, so that a few posts are all that can be worked off in time. */
const MS_PER_CHANGE = 4
const CHANGES = 3 * DAEMONS * RUNS_PER_DAEMON
/** All changes happen in a fifth of the time that the store needs for them. */
const HAPPEN_WITHIN_MS = (CHANGES * MS_PER_CHANGE) / 5
/** Really 5 and 20 s. */
const [ROOM_SECONDS, PATIENCE_MS] = [1, 3000]
/** What the gate assumes before it has measured. */
const FIRST_GUESS_PER_SECOND = 2000
const PAUSE_MS = 2 * PATIENCE_MS
/** More than the posts that are being read, the news that waits and the caches take; far less than what is offered. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024

function slowDown(records: RecordStore): RecordStore {
  return {
    ...records,
    async apply(news) {
      await sleep(news.length * MS_PER_CHANGE, new AbortController().signal)
      return records.apply(news)
    },
  }
}

/** A controller as it serves HTTP, except that its catalog is slow and its daemons listen nowhere. */
async function slowController() {
  const ips = Array.from({ length: DAEMONS }, (_, n) => `10.0.1.${n + 1}`)
  const kit = await given
    .app('hello')
    .proc('web')
    .on(...ips)
    .volume('/data/db')
    .inMemory({ clock: systemClock, wrapRecords: slowDown, newsLimits: { seconds: ROOM_SECONDS } })
  const { world, log } = kit
  world.settings.newsFrom = () => ['127.0.0.1']
  const graphql = { schema: createSchema(), log }
  const makeContext = () => ({ world, loaders: createLoaders(world) })
  const callers = new Callers(world, { anonymous: 'admin', insecureHttp: false })
  const apollo = await startApollo(graphql)
  onEnd(() => apollo.stop())
  const sizes = () => readListSizes(world)
  const app = await createHttpApp({
    apollo,
    makeContext,
    callers,
    hsts: false,
    guard: () => {},
    sizes,
    ...graphql,
  })
  addNewsRoute(app, world)
  onEnd(() => closeApp(app))
  const url = await listen(app, { host: '127.0.0.1', port: 0 }, 'controller')
  return { ...kit, ips, url }
}

/** What was published, in its order. */
function collectEvents(world: UserWorld) {
  const events: { number: number; rid: string; seq: number }[] = []
  const watching = watchRecords(world, {})
  const collecting = (async () => {
    for await (const { seq: number, record } of watching)
      events.push({ number, rid: record.rid, seq: record.seq })
  })()
  onEnd(async () => {
    await watching.return?.()
    await collecting
  })
  return events
}

/** Does what the controller does every second, and notes the most that waited and the memory that cannot be freed. */
function watchController(world: UserWorld) {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const measure = () => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = measure()
  const most = { records: 0, growth: 0 }
  const noteWaiting = () => {
    most.records = Math.max(most.records, world.newsGate.waiting.records)
  }
  const timers = [
    setInterval(noteWaiting, 20),
    setInterval(() => {
      world.stalls.noteTurn()
      tick(world)
      most.growth = Math.max(most.growth, measure() - before)
    }, TURN_MS),
  ]
  onEnd(() => {
    for (const timer of timers) clearInterval(timer)
  })
  return most
}

/** Each version of a record that its daemon knows to be taken is an event, in the order of the versions, once. */
function checkOrder(
  { accepted }: FleetReport,
  events: readonly { number: number; rid: string; seq: number }[],
) {
  const numbers = events.map(({ number }) => number)
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
  const byRun = Map.groupBy(events, ({ rid }) => rid)
  expect(byRun.size).toBe(DAEMONS * RUNS_PER_DAEMON)
  for (const [rid, changes] of byRun) {
    const seqs = changes.map(({ seq }) => seq)
    expect(seqs, rid).toEqual([...new Set(seqs)].sort())
    expect(seqs, rid).toEqual(expect.arrayContaining<number>(accepted[rid] ?? [Number.NaN]))
    expect(seqs.at(-1), rid).toBe(2)
  }
  // Otherwise there would be no order to see.
  expect(events.length).toBeGreaterThan(1.1 * byRun.size)
}

test('more news than can be taken, from daemons that give up and resend, is taken once, in order, within bounds', async () => {
  const { world, catalog, daemons, ips, url } = await slowController()
  const events = collectEvents(world)
  const most = watchController(world)
  const times = { withinMs: HAPPEN_WITHIN_MS, patienceMs: PATIENCE_MS }
  const over = startFleet({ url, ips, runsPerDaemon: RUNS_PER_DAEMON, ...times })
  await expect.poll(() => events.length, { timeout: 60_000 }).toBeGreaterThan(CHANGES / 4)
  // The controller stands still, until every daemon that waits has given up several times.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  const report = await over
  const { wrong, lists, refused, gaveUp } = report
  expect({ wrong, wrongLists: lists.wrong }).toEqual({ wrong: [], wrongLists: [] })
  expect(report.offeredRecords).toBeGreaterThan(5 * CHANGES)
  expect(report.lateCopies).toBeGreaterThan(DAEMONS)
  expect(refused).toBeGreaterThan(DAEMONS)
  expect(gaveUp).toBeGreaterThan(DAEMONS)
  expect(lists.answered).toBeGreaterThan(100)
  expect(lists.longestGapMs).toBeLessThan(PAUSE_MS + 5000)
  expect(most.records).toBeLessThanOrEqual(FIRST_GUESS_PER_SECOND * ROOM_SECONDS)
  expect(most.growth).toBeLessThan(MAX_GROWTH_BYTES)
  await expect.poll(() => world.newsGate.waiting).toEqual({ posts: 0, records: 0, bytes: 0 })
  expect(await catalog.records.unfinished()).toEqual([])
  await expect.poll(() => events.at(-1)?.number).toBe(world.ledger.events.last)
  checkOrder(report, events)
  expect(ips.flatMap((ip) => daemons.at(ip).asked)).not.toContain('record')
  expect(world.problems.list()).toEqual([])
}, 120_000)
