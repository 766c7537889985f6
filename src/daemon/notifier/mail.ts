import type { Clock } from '../../lib/clock.ts'
import { goTime } from '../../lib/go-time.ts'
import { type News, PROTOCOL } from '../../wire/daemon-api.ts'
import type { JobTimes } from '../../wire/job.ts'
import { NEWS_BATCH } from '../../wire/news-head.ts'
import { isTerminal, type RunRecord, toLegacyRecord } from '../../wire/record.ts'
import type { NotifyAddress, Outbox } from '../memory/outbox.ts'
import { ProgressBoard } from './progress-board.ts'

/** What a mail needs of the outbox. */
export type NewsQueue = Pick<Outbox, 'batch' | 'noteAccepted'>

/** One post; `body` is sent as JSON. */
export interface Delivery {
  body: unknown
  /** Call it when the address has accepted the post. */
  accepted(): void
}

/** Makes the posts for one address, in its protocol. */
export interface Mail {
  /** The next post; undefined while there is nothing to send. */
  next(): Delivery | undefined
  /** ms until a post is due without new events, such as a heartbeat; normally Infinity. */
  dueInMs(): number
  progressed(record: RunRecord): void
  kept(records: RunRecord[]): void
}

export interface Sender {
  clock: Clock
  daemonId: string
  /** The daemon's IP. */
  server: string
  /** rids of the present runs. */
  running(): string[]
  /** The times of a job; undefined if it is not in the list. */
  timesOf?(jobId: string): JobTimes | undefined
}

/** While something runs, the daemon posts at least twice in the ten seconds after which it counts as silent. */
const HEARTBEAT_INTERVAL_MS = 5000

/** The legacy protocol: two posts for each run, one record each, in order. */
export function createLegacyMail(outbox: NewsQueue, { address }: NotifyAddress): Mail {
  return {
    next() {
      const batch = outbox.batch(address, 1)
      const record = batch?.records[0]
      if (!batch || !record) return undefined
      return { body: toLegacyPost(record), accepted: () => outbox.noteAccepted(address, batch.upTo) }
    },
    dueInMs: () => Number.POSITIVE_INFINITY,
    progressed: () => {},
    kept: () => {},
  }
}

function toLegacyPost(record: RunRecord): unknown {
  const legacy = toLegacyRecord(record)
  return { ...legacy, start: goTime(legacy.start), end: goTime(legacy.end) }
}

/** Our protocol: batches of changes, with the newest progress of runs and a heartbeat while something runs. */
export class NewsMail implements Mail {
  readonly #outbox: NewsQueue
  readonly #address: string
  readonly #sender: Sender
  readonly #progress = new ProgressBoard()
  #lastPost = Number.NEGATIVE_INFINITY

  constructor(outbox: NewsQueue, { address }: NotifyAddress, sender: Sender) {
    this.#outbox = outbox
    this.#address = address
    this.#sender = sender
  }

  next(): Delivery | undefined {
    const now = this.#sender.clock.elapsed()
    const batch = this.#outbox.batch(this.#address, NEWS_BATCH.records)
    const progress = this.#progress.due(now)
    if (!batch && progress.length === 0 && this.dueInMs() > 0) return undefined
    const records = [...(batch?.records ?? []), ...progress]
    return {
      body: this.#news(records),
      accepted: () => {
        this.#lastPost = now
        this.#progress.sent(progress, now)
        if (batch) this.#outbox.noteAccepted(this.#address, batch.upTo)
      },
    }
  }

  dueInMs(): number {
    const now = this.#sender.clock.elapsed()
    const beat =
      this.#sender.running().length > 0
        ? this.#lastPost + HEARTBEAT_INTERVAL_MS - now
        : Number.POSITIVE_INFINITY
    return Math.min(beat, this.#progress.dueInMs(now))
  }

  progressed(record: RunRecord): void {
    this.#progress.note({ ...record })
  }

  kept(records: RunRecord[]): void {
    for (const record of records) if (isTerminal(record.state)) this.#progress.forget(record.rid)
  }

  #news(records: RunRecord[]): News {
    const ended = new Set(records.filter(({ state }) => isTerminal(state)).map(({ rid }) => rid))
    const running = this.#sender.running().filter((rid) => !ended.has(rid))
    return {
      protocol: PROTOCOL,
      daemonId: this.#sender.daemonId,
      server: this.#sender.server,
      records,
      running,
      ...this.#describeTimes(records),
    }
  }

  /** The schedule changed them when it started these runs. */
  #describeTimes(records: readonly RunRecord[]): Pick<News, 'times'> {
    const ids = new Set(records.filter(({ type }) => type === 'cron').map(({ jobId }) => jobId))
    const times = [...ids].flatMap((id) => this.#sender.timesOf?.(id) ?? [])
    return times.length > 0 ? { times } : {}
  }
}
