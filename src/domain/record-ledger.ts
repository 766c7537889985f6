import type { Clock } from '../lib/clock.ts'
import { recoverAction } from '../wire/job.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { expireJobId } from './expire-job.ts'
import type { KeptRecord, RecordStore } from './ports.ts'
import { RecordEvents } from './record-events.ts'

/** All news of records passes through here, batch by batch: stored first, then published in order of its numbers. */
export class RecordLedger {
  readonly events = new RecordEvents()
  readonly #store: RecordStore
  readonly #clock: Clock
  readonly #onChange: (record: RunRecord) => void
  readonly #live = new Map<string, UnfinishedRecord>()
  #tail: Promise<unknown> = Promise.resolve()

  /** @param onChange called with each record whose state changed, once that is on disk */
  constructor(store: RecordStore, clock: Clock, onChange: (record: RunRecord) => void) {
    this.#onChange = onChange
    this.#store = store
    this.#clock = clock
  }

  /** Loads the records that had not ended when the controller stopped. */
  async load(): Promise<void> {
    for (const record of await this.#store.unfinished()) this.#remember(record)
  }

  /** Stores news; on disk when it resolves. Returns whether a state changed. */
  apply(news: RunRecord[]): Promise<boolean> {
    const taken = this.#tail.then(async () => {
      for (const { rid, server } of news) this.noteAlive([rid], server)
      return this.#publish(await this.#store.apply(news.map(normalizeNames)))
    })
    this.#tail = taken.catch(() => {})
    return taken
  }

  /** Notes that the daemon on `server` reports these runs as alive. Its word on runs of other servers is ignored. */
  noteAlive(rids: Iterable<string>, server: string): void {
    for (const rid of rids) {
      const live = this.#live.get(rid)
      if (live?.record.server === server) live.aliveAt = this.#clock.now()
    }
  }

  /** Whether this run is known and has not ended. */
  isLive(rid: string): boolean {
    return this.#live.has(rid)
  }

  /** Whether this server has runs that have not ended. */
  hasLive(server: string): boolean {
    return [...this.#live.values()].some(({ record }) => record.server === server)
  }

  /** Records that have not ended and without a sign of life for `ms`. */
  listSilent(ms: number): UnfinishedRecord[] {
    const now = this.#clock.now()
    return [...this.#live.values()].filter((live) => now - live.aliveAt > ms)
  }

  #publish(kept: KeptRecord[]): boolean {
    let changed = false
    for (const { record, eventSeq } of kept) {
      const weight = this.#live.get(record.rid)?.record.state === record.state ? 'progress' : 'state'
      changed ||= weight === 'state'
      this.#remember(record)
      if (weight === 'state') this.#onChange(record)
      this.events.publish({ seq: eventSeq, kind: 'CHANGE', record }, weight)
    }
    return changed
  }

  #remember(record: RunRecord): void {
    if (isTerminal(record.state)) this.#live.delete(record.rid)
    else this.#live.set(record.rid, { record, aliveAt: this.#clock.now() })
  }
}

export interface UnfinishedRecord {
  record: RunRecord
  /** Unix ms of the last sign of life. */
  aliveAt: number
}

/** Adds what the wire lacks: the id of expire jobs, and the action of plans, which older daemons do not send. */
function normalizeNames(record: RunRecord): RunRecord {
  const nameless = record.jobId === '' && record.action === 'backup_expire' && record.type === 'cron'
  if (nameless) return { ...record, jobId: expireJobId(record.server) }
  const isPlan = record.action === 'backup_recover' && record.args.plan === true
  return isPlan ? { ...record, action: recoverAction(true) } : record
}
