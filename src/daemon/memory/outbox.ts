import type { Clock } from '../../lib/clock.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { Db } from './database.ts'

/** 1 = the recorded system's dialect, 2 = ours. */
export type Protocol = 1 | 2

export interface NotifyAddress {
  address: string
  protocol: Protocol
}

export interface NewsBatch {
  /** Oldest first. */
  records: RunRecord[]
  /** To be handed to `taken` when the address has taken these records. */
  upTo: number
}

/** An address that took nothing for so long, though there was something to take, is dropped. */
export const SILENCE_MS = 7 * 86_400_000
/** Characters of JSON in one batch, so that a body stays digestible; a single record may be larger. */
const BATCH_CHARACTERS = 512 * 1024

/** Who wants news, and how far each has taken them. A new address starts with the oldest news kept. */
export class Outbox {
  readonly #db: Db
  readonly #clock: Clock
  readonly #next

  constructor(db: Db, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#next = db.prepare<[string, number], { seq: number; record: string }>(
      `SELECT seq, record FROM news, addresses
       WHERE address = ? AND seq > taken AND CASE protocol WHEN 2 THEN modern ELSE legacy END
       ORDER BY seq LIMIT ?`,
    )
  }

  addresses(): NotifyAddress[] {
    return this.#db.prepare<[], NotifyAddress>('SELECT address, protocol FROM addresses ORDER BY rowid').all()
  }

  /** An address that is there keeps its place in the news; it may have changed its protocol. */
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

  /** The oldest news that the address has not taken; undefined where it has them all. */
  batch(address: string, limit: number): NewsBatch | undefined {
    const batch: NewsBatch = { records: [], upTo: 0 }
    let characters = 0
    for (const { seq, record } of this.#next.iterate(address, limit)) {
      characters += record.length
      if (batch.records.length > 0 && characters > BATCH_CHARACTERS) break
      batch.records.push(JSON.parse(record) as RunRecord)
      batch.upTo = seq
    }
    return batch.records.length > 0 ? batch : undefined
  }

  taken(address: string, upTo: number): void {
    this.#db
      .prepare(
        'UPDATE addresses SET taken = max(taken, ?), taken_at = ?, silent_since = NULL WHERE address = ?',
      )
      .run(upTo, this.#clock.now(), address)
  }

  /** Notes that the address did not answer. @returns whether it has now been silent for too long. */
  silent(address: string): boolean {
    const now = this.#clock.now()
    const since = this.#db
      .prepare<[number, string], number>(
        'UPDATE addresses SET silent_since = coalesce(silent_since, ?) WHERE address = ? RETURNING silent_since',
      )
      .pluck()
      .get(now, address)
    return since !== undefined && now - since >= SILENCE_MS
  }
}
