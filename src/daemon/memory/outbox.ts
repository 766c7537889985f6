import type { Clock } from '../../lib/clock.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import { NEWS_BATCH } from '../../wire/news-head.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { DaemonDb } from './database.ts'

/** 1: the legacy protocol, 2: ours. */
export type Protocol = 1 | 2

export interface NotifyAddress {
  address: string
  protocol: Protocol
}

export interface NewsBatch {
  /** Oldest first. */
  records: RunRecord[]
  /** Pass it to `noteAccepted` when the address has accepted these records. */
  upTo: number
}

/** An address that accepted nothing for this long, although there was news, is dropped. */
export const MAX_SILENCE_MS = 7 * DAY_MS

/** The notify addresses, each with its position in the news. A new address starts with the oldest stored news. */
export class Outbox {
  readonly #db: DaemonDb
  readonly #clock: Clock
  readonly #next
  readonly #oldest

  constructor(db: DaemonDb, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#next = db.prepare<[string, number], { seq: number; record: string }>(
      `SELECT seq, record FROM news, addresses
       WHERE address = ? AND seq > taken AND CASE protocol WHEN 2 THEN modern ELSE legacy END
       ORDER BY seq LIMIT ?`,
    )
    this.#oldest = db
      .prepare<[string], number>(
        `SELECT kept_at FROM news, addresses
         WHERE address = ? AND seq > taken AND CASE protocol WHEN 2 THEN modern ELSE legacy END
         ORDER BY seq LIMIT 1`,
      )
      .pluck()
  }

  addresses(): NotifyAddress[] {
    return this.#db.prepare<[], NotifyAddress>('SELECT address, protocol FROM addresses ORDER BY rowid').all()
  }

  /** A known address keeps its position in the news, but may change its protocol. */
  add({ address, protocol }: NotifyAddress): void {
    this.#db
      .prepare(
        `INSERT INTO addresses (address, protocol, taken) VALUES (?, ?, 0)
         ON CONFLICT (address) DO UPDATE SET protocol = excluded.protocol, silent_since = NULL`,
      )
      .run(address, protocol)
  }

  remove(address: string): void {
    this.#db.prepare('DELETE FROM addresses WHERE address = ?').run(address)
  }

  /** The oldest news that the address does not have yet; undefined if it has all. A single record may be of any length. */
  batch(address: string, limit: number): NewsBatch | undefined {
    const batch: NewsBatch = { records: [], upTo: 0 }
    let characters = 0
    for (const { seq, record } of this.#next.iterate(address, limit)) {
      characters += record.length
      if (batch.records.length > 0 && characters > NEWS_BATCH.length) break
      batch.records.push(JSON.parse(record) as RunRecord)
      batch.upTo = seq
    }
    return batch.records.length > 0 ? batch : undefined
  }

  /** How old the oldest news is that the address does not have yet, ms; 0 if it has all. */
  waitingMs(address: string): number {
    const keptAt = this.#oldest.get(address)
    return keptAt === undefined ? 0 : Math.max(this.#clock.now() - keptAt, 0)
  }

  /** Notes that the address has accepted all news up to this number. */
  noteAccepted(address: string, upTo: number): void {
    this.#db
      .prepare(
        'UPDATE addresses SET taken = max(taken, ?), taken_at = ?, silent_since = NULL WHERE address = ?',
      )
      .run(upTo, this.#clock.now(), address)
  }

  /** Notes that the address did not answer. @returns whether it has now been silent for too long. */
  noteSilence(address: string): boolean {
    const now = this.#clock.now()
    const since = this.#db
      .prepare<[number, string], number>(
        'UPDATE addresses SET silent_since = coalesce(silent_since, ?) WHERE address = ? RETURNING silent_since',
      )
      .pluck()
      .get(now, address)
    return since !== undefined && now - since >= MAX_SILENCE_MS
  }
}
