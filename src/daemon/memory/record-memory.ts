import type { Clock } from '../../lib/clock.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import { readRunKey } from '../../wire/failed-run.ts'
import { isTerminal, type RunRecord } from '../../wire/record.ts'
import type { DaemonDb } from './database.ts'

/** A version of a record, serialized when it was handed over, because its run may change it later. */
export interface Kept {
  record: RunRecord
  text: string
}

/** How long records and their news are kept after every notify address has them. */
const MAX_AGE_MS = 30 * DAY_MS
/** Limit of rows deleted per transaction, so that a big clean-up does not block the event loop. */
const MAX_PRUNED_ROWS = 2000

/** What is known of a record that is already stored, as 0 or 1: whether a run has begun and ended. */
interface Known {
  begun: number
  ended: number
}

/**
 * Stores every version of every record twice: as the current record and as a line of news. A legacy address gets exactly
 * two lines for each run, whatever states it went through: the first running one and the first ended one.
 */
export class RecordMemory {
  readonly #db: DaemonDb
  readonly #clock: Clock
  readonly #known
  readonly #addNews
  readonly #put
  readonly #update
  readonly #failed
  readonly #succeeded

  constructor(db: DaemonDb, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#known = db.prepare<[string], Known>('SELECT begun, ended FROM records WHERE rid = ?')
    this.#addNews = db.prepare('INSERT INTO news (modern, legacy, kept_at, record) VALUES (?, ?, ?, ?)')
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO records (rid, begun, ended, kept_at, record) VALUES (?, ?, ?, ?, ?)',
    )
    this.#update = db.prepare('UPDATE records SET record = ? WHERE rid = ? AND ended = 0')
    this.#failed = db.prepare('INSERT OR REPLACE INTO failed_runs (key, rid) VALUES (?, ?)')
    this.#succeeded = db.prepare('DELETE FROM failed_runs WHERE key = ?')
  }

  /** Call it inside a transaction. */
  write({ record, text }: Kept): void {
    const now = this.#clock.now()
    const known = this.#known.get(record.rid) ?? { begun: 0, ended: 0 }
    const ends = isTerminal(record.state)
    const begins = record.state !== 'queued' && known.begun === 0
    if (ends && begins) this.#addNews.run(0, 1, now, JSON.stringify(toStartVersion(record)))
    const legacy = known.ended === 0 && (ends || begins)
    this.#addNews.run(1, Number(legacy), now, text)
    this.#put.run(record.rid, Number(begins || known.begun === 1), Number(ends), now, text)
    if (ends) this.#noteOutcome(record)
  }

  /** Replaces the stored version of a run that has not ended. Call it inside a transaction. */
  writePhase({ record, text }: Kept): void {
    this.#update.run(text, record.rid)
  }

  /** A cancelled run changes nothing: it is neither a failure nor a success. */
  #noteOutcome(record: RunRecord): void {
    if (record.state === 'success') this.#succeeded.run(readRunKey(record))
    else if (record.state !== 'cancelled') this.#failed.run(readRunKey(record), record.rid)
  }

  failures(): RunRecord[] {
    const texts = this.#db
      .prepare<[], string>('SELECT record FROM failed_runs JOIN records USING (rid)')
      .pluck()
    return texts.all().map((text) => JSON.parse(text) as RunRecord)
  }

  find(rid: string): RunRecord | undefined {
    const text = this.#db
      .prepare<[string], string>('SELECT record FROM records WHERE rid = ?')
      .pluck()
      .get(rid)
    return text === undefined ? undefined : (JSON.parse(text) as RunRecord)
  }

  unfinished(): RunRecord[] {
    const texts = this.#db
      .prepare<[], string>('SELECT record FROM records WHERE ended = 0 ORDER BY kept_at')
      .pluck()
    return texts.all().map((text) => JSON.parse(text) as RunRecord)
  }

  /**
   * Deletes some old entries that all addresses have received; none without an address, because nobody has received
   * them.
   * @returns rows deleted: call again until it is 0
   */
  prune(): number {
    const before = this.#clock.now() - MAX_AGE_MS
    const news = this.#db
      .prepare(
        `DELETE FROM news WHERE seq IN (
           SELECT seq FROM news WHERE kept_at < ? AND seq <= (SELECT min(taken) FROM addresses) LIMIT ?)`,
      )
      .run(before, MAX_PRUNED_ROWS)
    const records = this.#db
      .prepare(
        `DELETE FROM records WHERE rid IN (
           SELECT rid FROM records WHERE ended = 1 AND kept_at < ?
             AND kept_at < coalesce((SELECT min(kept_at) FROM news), 9e18) ORDER BY kept_at LIMIT ?)`,
      )
      .run(before, MAX_PRUNED_ROWS)
    this.#db.exec('DELETE FROM failed_runs WHERE rid NOT IN (SELECT rid FROM records)')
    return news.changes + records.changes
  }
}

function toStartVersion(record: RunRecord): RunRecord {
  return { ...record, state: 'running', end: null, reason: '', error: null, result: null, progress: null }
}
