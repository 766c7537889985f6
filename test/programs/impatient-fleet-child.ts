import { setTimeout as sleep } from 'node:timers/promises'
import { NEWS_BATCH } from '../../src/wire/news-head.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import type { FleetOrder, FleetReport } from '../support/impatient-fleet.ts'

const order = JSON.parse(process.argv[2] ?? '') as FleetOrder
const { url, ips, runsPerDaemon, withinMs, patienceMs } = order
/** Real times are longer by this factor. */
const HASTE = 20_000 / patienceMs
/** A run begins and ends so many steps after it was queued: its changes never fit into one post. */
const [BEGINS_AFTER, ENDS_AFTER] = [15, 45]
const LAST_STEP = runsPerDaemon + ENDS_AFTER
const STEP_MS = withinMs / LAST_STEP
/** Of a daemon that ignores Retry-After. */
const STUBBORN_RETRY_MS = 400
/** Makes records so large that too many of them show in the memory. */
const WARNING = 'x'.repeat(2500)
const NEWS_PATH = '/api/v2/system/notify'

const report: FleetReport = {
  accepted: {},
  offeredRecords: 0,
  offeredMs: 0,
  refused: 0,
  gaveUp: 0,
  lateCopies: 0,
  wrong: [],
  lists: { answered: 0, longestGapMs: 0, wrong: [] },
}

/** Has more news with every step. Posts it in order, and again after a refusal or when its patience ends. */
class ImpatientDaemon {
  readonly #server: string
  readonly #obeys: boolean
  readonly #first: number
  readonly #outbox: RunRecord[] = []
  readonly #running = new Set<string>()
  #accepted: object | undefined
  #taken = 0

  constructor(server: string, at: number) {
    this.#server = server
    this.#obeys = at % 2 === 0
    this.#first = at * runsPerDaemon + 1
  }

  async live(): Promise<void> {
    let step = 0
    for (const begun = performance.now(); ; await this.#send()) {
      for (const now = (performance.now() - begun) / STEP_MS; step < now && step < LAST_STEP; step++)
        this.#step(step)
      if (this.#taken < this.#outbox.length) continue
      if (step === LAST_STEP) return
      await sleep(STEP_MS)
    }
  }

  #step(step: number): void {
    this.#keep(step, { seq: 0, state: 'queued' })
    this.#keep(step - BEGINS_AFTER, { seq: 1 })
    this.#keep(step - ENDS_AFTER, { seq: 2, state: 'success', end: '2026-11-23T08:45:00Z' })
  }

  #keep(run: number, change: Partial<RunRecord>): void {
    if (run < 0 || run >= runsPerDaemon) return
    const rid = ridOf(this.#first + run)
    const warnings = { warnings: [WARNING], warningCount: 1 }
    this.#outbox.push(sampleRecord({ rid, server: this.#server, jobId: '', ...warnings, ...change }))
    if (change.end) this.#running.delete(rid)
    else this.#running.add(rid)
  }

  async #send(): Promise<void> {
    const records = this.#outbox.slice(this.#taken, this.#taken + NEWS_BATCH.records)
    if (records.length === 0) return
    const signal = AbortSignal.timeout(patienceMs)
    report.offeredRecords += records.length
    try {
      const news = this.#makeNews(records)
      const answer = await post(NEWS_PATH, news, signal)
      if (answer.status === 200) this.#accept(news, records)
      else await this.#noteRefusal(answer)
    } catch (error) {
      if (signal.aborted) report.gaveUp += 1
      else report.wrong.push(`a post: ${error}`)
    }
  }

  #makeNews(records: readonly RunRecord[]): object {
    return { protocol: 2, daemonId: 'x', server: this.#server, records, running: [...this.#running] }
  }

  #accept(news: object, records: readonly RunRecord[]): void {
    if (this.#accepted) sendLateCopy(this.#accepted)
    this.#accepted = news
    this.#taken += records.length
    const newest = new Map(records.map(({ rid, seq }) => [rid, seq]))
    for (const [rid, seq] of newest) report.accepted[rid] = [...(report.accepted[rid] ?? []), seq]
  }

  async #noteRefusal({ status, headers, text }: Answer): Promise<void> {
    const seconds = Number(headers.get('retry-after'))
    const isAsExpected =
      status === 503 && seconds >= 1 && seconds <= 30 && /\d records wait already/.test(text)
    if (!isAsExpected) report.wrong.push(`${status} after ${seconds} s: ${text}`)
    report.refused += 1
    await sleep(this.#obeys ? (seconds * 1000) / HASTE : STUBBORN_RETRY_MS * Math.random())
  }
}

/** A post arrives once more after a newer one, as if a copy of it was on its way until now. */
function sendLateCopy(news: object): void {
  report.lateCopies += 1
  post(NEWS_PATH, news, AbortSignal.timeout(patienceMs)).catch(() => {})
}

interface Answer {
  status: number
  headers: Headers
  text: string
}

async function post(path: string, body: object, signal: AbortSignal): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** A user who reads a list, over and over. */
async function readLists(over: AbortSignal): Promise<void> {
  let last = performance.now()
  while (!over.aborted) {
    const query = '{ records(first: 20) { totalCount nodes { rid state } } }'
    const { status, text } = await post('/graphql', { query }, new AbortController().signal)
    if (status !== 200 || text.includes('errors')) report.lists.wrong.push(`${status} ${text}`)
    report.lists.answered += 1
    report.lists.longestGapMs = Math.max(report.lists.longestGapMs, performance.now() - last)
    last = performance.now()
    await sleep(20)
  }
}

const over = new AbortController()
const reading = readLists(over.signal)
const begun = performance.now()
await Promise.all(ips.map((ip, at) => new ImpatientDaemon(ip, at).live()))
report.offeredMs = performance.now() - begun
over.abort()
await reading
process.send?.(report)
process.disconnect()
