import { expect, test } from 'vitest'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import type { RecordStore } from '../../src/domain/ports.ts'
import { findRecords } from '../../src/domain/records.ts'
import type { World } from '../../src/domain/world.ts'
import { closeApp, createApp, listen, printJson } from '../../src/http/app.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { sleep } from '../../src/lib/sleep.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { onEnd } from '../support/lifetime.ts'

// Far more news than a slow catalog can take: a midnight of many daemons, at a size that CI can bear.

const SERVERS = 24
const RUNS = 25
const RECORDS_PER_POST = 30
/** The store needs so long for each change, so that a few posts are all that can be worked off in time. */
const MS_PER_CHANGE = 3
const LIMITS = { seconds: 0.2, bytes: 200_000, posts: 6 }
/** Real daemons wait 20 s. */
const PATIENCE_MS = 250

const never = new AbortController().signal

function slowDown(records: RecordStore): RecordStore {
  return {
    ...records,
    async apply(news) {
      await sleep(news.length * MS_PER_CHANGE, never)
      return records.apply(news)
    },
  }
}

async function slowController() {
  const ips = Array.from({ length: SERVERS }, (_, n) => `10.0.1.${n + 1}`)
  const kit = await given
    .app('hello')
    .proc('web')
    .on(...ips)
    .volume('/data/db')
    .inMemory({ clock: systemClock, wrapRecords: slowDown, newsLimits: LIMITS })
  kit.world.settings.newsFrom = () => ['127.0.0.1']
  const app = createApp({
    guard: () => {},
    refuse: (error, _request, reply) =>
      printJson(reply.code(error.code === 'OVERLOADED' ? 503 : 500), error.message),
  })
  addNewsRoute(app, kit.world)
  onEnd(() => closeApp(app))
  const url = await listen(app, { host: '127.0.0.1', port: 0 }, 'controller')
  return { ...kit, ips, url: `${url}/api/v2/system/notify` }
}

/** Posts its news in order, and the same again after a refusal or when its patience ends. */
class ImpatientDaemon {
  readonly outbox: RunRecord[]
  refused = 0
  gaveUp = 0
  failed: unknown[] = []
  readonly #server: string
  readonly #obeys: boolean
  #at = 0

  constructor(server: string, at: number) {
    this.#server = server
    this.#obeys = at % 2 === 0
    this.outbox = Array.from({ length: RUNS }, (_, n) => ridOf(at * RUNS + n + 1)).flatMap((rid) =>
      lifeOf(rid, server),
    )
  }

  async sendAll(url: string): Promise<void> {
    while (this.#at < this.outbox.length) await this.#send(url)
  }

  async #send(url: string): Promise<void> {
    const records = this.outbox.slice(this.#at, this.#at + RECORDS_PER_POST)
    const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: this.#server, records, running: [] })
    const signal = AbortSignal.timeout(PATIENCE_MS)
    try {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body, signal })
      if (answer.status === 200) this.#at += records.length
      else await this.#noteRefusal(answer)
    } catch (error) {
      if (!signal.aborted) throw error
      this.gaveUp += 1
    }
  }

  async #noteRefusal({ status, headers }: Response): Promise<void> {
    const seconds = Number(headers.get('retry-after'))
    if (status !== 503 || !(seconds >= 1 && seconds <= 30)) this.failed.push({ status, seconds })
    this.refused += 1
    await sleep(this.#obeys ? Math.min(seconds, 2) * 1000 : 50 * Math.random(), never)
  }
}

function lifeOf(rid: string, server: string): RunRecord[] {
  const begun = sampleRecord({ rid, server, jobId: '' })
  return [
    { ...begun, seq: 0, state: 'queued' },
    { ...begun, seq: 1 },
    { ...begun, seq: 2, state: 'success', end: '2026-11-23T08:45:00Z' },
  ]
}

/** Reads lists until told to stop, and notes the most that waited. */
function watch(world: World) {
  const seen = { lists: 0, posts: 0, bytes: 0 }
  let isOver = false
  const over = (async () => {
    while (!isOver) {
      const { posts, bytes } = world.newsGate.waiting
      Object.assign(seen, { posts: Math.max(seen.posts, posts), bytes: Math.max(seen.bytes, bytes) })
      await findRecords(world, {}, { first: 20 })
      if (world.newsGate.waiting.posts > 0) seen.lists += 1
      await sleep(5, never)
    }
  })()
  return async () => {
    isOver = true
    await over
    return seen
  }
}

test('more news than can be taken, from daemons that give up and resend, is taken once, in order, within bounds', async () => {
  const { world, catalog, ips, url } = await slowController()
  const daemons = ips.map((ip, at) => new ImpatientDaemon(ip, at))
  const stopWatching = watch(world)
  const sending = Promise.all(daemons.map((daemon) => daemon.sendAll(url)))
  await expect.poll(() => daemons.filter(({ refused }) => refused > 0).length).toBeGreaterThan(5)
  // The controller stands still until every daemon that waits has given up.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * PATIENCE_MS)
  await sending
  const seen = await stopWatching()
  expect(daemons.flatMap(({ failed }) => failed)).toEqual([])
  expect(daemons.reduce((sum, { gaveUp }) => sum + gaveUp, 0)).toBeGreaterThan(0)
  expect(seen.lists).toBeGreaterThan(0)
  expect(seen.posts).toBeLessThanOrEqual(LIMITS.posts)
  expect(seen.bytes).toBeLessThanOrEqual(LIMITS.bytes)
  await expect.poll(() => world.newsGate.waiting).toEqual({ posts: 0, records: 0, bytes: 0 })
  expect(await catalog.records.unfinished()).toEqual([])
  const events = await catalog.records.eventsSince(0, {}, 10_000)
  const byRun = Map.groupBy(events, ({ record }) => record.rid)
  expect(byRun.size).toBe(SERVERS * RUNS)
  for (const [rid, changes] of byRun) {
    const seqs = changes.map(({ record }) => record.seq)
    expect(seqs, rid).toEqual([...new Set(seqs)].sort())
    expect(changes.at(-1)?.record.state).toBe('success')
  }
  expect(world.problems.list()).toEqual([])
}, 120_000)
