import type { Clock } from '../lib/clock.ts'
import { hasCode } from '../lib/errors.ts'
import { applyNews } from '../wire/apply-news.ts'
import { findApp } from '../wire/find-app.ts'
import { chooseRecoverAction } from '../wire/job.ts'
import { isTerminal, type RecordState, type RunRecord, UNFINISHED_STATES } from '../wire/record.ts'
import { findForeignPart } from '../wire/record-sender.ts'
import type { OwnStalls } from './own-stalls.ts'
import { expireJobId } from './planned-job.ts'
import type { KeptRecord, RecordStore } from './ports.ts'
import { RecordEvents } from './record-events.ts'

/** Limit of records in one transaction, except for a single larger post. */
export const MAX_TOGETHER = 500
/** Events times listeners that are served in one turn of the event loop: some milliseconds. */
const OFFERS_PER_TURN = 10_000

interface WaitingNews extends PromiseWithResolvers<ReadonlySet<string>> {
  news: readonly RunRecord[]
}

export interface LedgerOptions {
  clock: Clock
  stalls: OwnStalls
  /** The app of a job in the plan. */
  appOfJob?(jobId: string): string | undefined
  /** Called with each record whose state changed, once that is on disk. */
  onChange(record: RunRecord): void
}

/**
 * All news of records passes through here: what waits is stored together, in the order of its arrival, and then
 * published in order of its numbers.
 */
export class RecordLedger {
  readonly events = new RecordEvents()
  readonly #store: RecordStore
  readonly #options: LedgerOptions
  readonly #live = new Map<string, UnfinishedRecord>()
  /** The rids of #live by server. */
  readonly #ridsOf = new Map<string, Set<string>>()
  readonly #waiting: WaitingNews[] = []
  #isWorking = false

  constructor(store: RecordStore, options: LedgerOptions) {
    this.#store = store
    this.#options = options
  }

  /** Loads the records that had not ended when the controller stopped. */
  async load(): Promise<void> {
    for (const record of await this.#store.unfinished()) this.#remember(record)
    this.events.last = (await this.#store.keptEvents()).upTo
  }

  /** Stores news; on disk when it resolves. Returns the runs whose state changed. */
  apply(news: readonly RunRecord[]): Promise<ReadonlySet<string>> {
    for (const { rid, server } of news) this.noteAlive([rid], server)
    const waiting = {
      ...Promise.withResolvers<ReadonlySet<string>>(),
      news: news.map((record) => this.#normalize(record)),
    }
    this.#waiting.push(waiting)
    if (!this.#isWorking) void this.#work()
    return waiting.promise
  }

  /** A run belongs to the app of its job, whatever its daemon writes. */
  #normalize(record: RunRecord): RunRecord {
    const named = normalizeNames(record)
    const app = this.#options.appOfJob?.(named.jobId)
    return app === undefined || findApp(named) === app ? named : { ...named, args: { ...named.args, app } }
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    // Lets those in that arrive in the same turn.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#applyTogether(this.#nextBatch())
    this.#isWorking = false
  }

  /** As much as fits into one transaction, at least one. */
  #nextBatch(): WaitingNews[] {
    let count = 0
    const over = this.#waiting.findIndex(({ news }) => {
      count += news.length
      return count > MAX_TOGETHER
    })
    return this.#waiting.splice(0, over < 0 ? this.#waiting.length : Math.max(over, 1))
  }

  /** If a batch fails, each half is tried alone, so that a record that cannot be stored fails only its own post. */
  async #applyTogether(batch: readonly WaitingNews[]): Promise<void> {
    try {
      const news = batch.flatMap((waiting) => waiting.news)
      const changed = await this.#publish(await this.#store.apply(skipSuperseded(news)))
      for (const { resolve, news } of batch)
        resolve(new Set(news.filter(({ rid, server }) => changed.get(rid) === server).map(({ rid }) => rid)))
    } catch (error) {
      if (batch.length > 1 && !isOfWholeCatalog(error)) {
        const half = batch.length >> 1
        await this.#applyTogether(batch.slice(0, half))
        await this.#applyTogether(batch.slice(half))
      } else for (const waiting of batch) waiting.reject(error)
    }
  }

  /** Notes that the daemon on `server` reports these runs as alive. Its word on runs of other servers is ignored. */
  noteAlive(rids: Iterable<string>, server: string): void {
    for (const rid of rids) {
      const live = this.#live.get(rid)
      if (live?.record.server === server) live.aliveAt = this.#options.clock.now()
    }
  }

  /** Notes that the daemon on `server` is alive with all its runs: it was refused before it could name them. */
  noteAllAlive(server: string): void {
    this.noteAlive(this.#ridsOf.get(server) ?? [], server)
  }

  /** Whether this run is known and has not ended. */
  isLive(rid: string): boolean {
    return this.#live.has(rid)
  }

  /** How many runs have not ended, by state. */
  countUnfinished(): Map<RecordState, number> {
    const counts = new Map<RecordState, number>(UNFINISHED_STATES.map((state) => [state, 0]))
    for (const { record } of this.#live.values())
      counts.set(record.state, (counts.get(record.state) ?? 0) + 1)
    return counts
  }

  /** Whether this server has runs that have not ended. */
  hasLive(server: string): boolean {
    return this.#ridsOf.has(server)
  }

  /** A run of this job that has not ended, if there is one. */
  findLiveOfJob(jobId: string): RunRecord | undefined {
    for (const { record } of this.#live.values()) if (record.jobId === jobId) return record
    return undefined
  }

  /** The server of a run that is known and has not ended. */
  serverOfLive(rid: string): string | undefined {
    return this.#live.get(rid)?.record.server
  }

  /** Records that have not ended and without a sign of life for `ms`; the controller's own stalls do not count. */
  listSilent(ms: number): UnfinishedRecord[] {
    const silent: UnfinishedRecord[] = []
    for (const live of this.#live.values()) if (this.isSilent(live, ms)) silent.push(live)
    return silent
  }

  /** Whether this run has still not ended and is still without a sign of life. */
  isSilent({ record, aliveAt }: UnfinishedRecord, ms: number): boolean {
    const silence = this.#options.clock.now() - aliveAt
    if (silence <= ms || silence - this.#options.stalls.since(aliveAt) <= ms) return false
    return this.#live.get(record.rid)?.aliveAt === aliveAt
  }

  /** Publishes what was stored. Returns the runs whose state changed, each with its server. */
  async #publish(kept: readonly KeptRecord[]): Promise<ReadonlyMap<string, string>> {
    const changed = new Map<string, string>()
    let offers = 0
    for (const { record, eventSeq } of kept) {
      const weight = this.#live.get(record.rid)?.record.state === record.state ? 'progress' : 'state'
      this.#remember(record)
      if (weight === 'state') changed.set(record.rid, record.server)
      if (weight === 'state') this.#options.onChange(record)
      offers += this.events.publish({ seq: eventSeq, kind: 'CHANGE', record }, weight)
      if (offers < OFFERS_PER_TURN) continue
      offers = 0
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return changed
  }

  #remember(record: RunRecord): void {
    const { rid, server } = record
    const rids = this.#ridsOf.get(server) ?? new Set()
    if (isTerminal(record.state)) {
      this.#live.delete(rid)
      if (rids.delete(rid) && rids.size === 0) this.#ridsOf.delete(server)
    } else {
      this.#live.set(rid, { record, aliveAt: this.#options.clock.now() })
      this.#ridsOf.set(server, rids.add(rid))
    }
  }
}

export interface UnfinishedRecord {
  record: RunRecord
  /** Unix ms of the last sign of life. */
  aliveAt: number
}

/** Whether no other news could be stored now either. */
export function isOfWholeCatalog(error: unknown): boolean {
  return hasCode(error, 'CATALOG_UNUSABLE')
}

/**
 * Leaves out versions that a later one of the same batch replaces: the result is the same, because versions are ordered.
 * A version that the store refuses, or one of another server, replaces none.
 */
function skipSuperseded(news: readonly RunRecord[]): RunRecord[] {
  const newest = new Map<string, RunRecord>()
  for (const record of news) {
    if (findForeignPart(record) !== undefined) continue
    const key = `${record.server} ${record.rid}`
    const known = newest.get(key)
    const winner = applyNews(known, record)
    if (!winner) continue
    newest.delete(key)
    newest.set(key, winner)
  }
  return [...newest.values()]
}

/** Adds what the wire lacks: the id of expire jobs, and the action of plans, which older daemons do not send. */
function normalizeNames(record: RunRecord): RunRecord {
  const nameless = record.jobId === '' && record.action === 'backup_expire' && record.type === 'cron'
  if (nameless) return { ...record, jobId: expireJobId(record.server) }
  const isPlan = record.action === 'backup_recover' && record.args.plan === true
  return isPlan ? { ...record, action: chooseRecoverAction({ plan: true }) } : record
}
