import type { RunRecord } from '../../wire/record.ts'

interface Entry {
  record: RunRecord
  sentSeq: number
  sentAt: number
}

/** Least time between two sends of one record's progress; the same as in the engine, so that no report is delayed. */
const MIN_INTERVAL_MS = 200

/** The newest progress of each run, for one address. Times are monotonic, in ms. */
export class ProgressBoard {
  readonly #entries = new Map<string, Entry>()

  note(record: RunRecord): void {
    const known = this.#entries.get(record.rid)
    if (known) known.record = record
    else this.#entries.set(record.rid, { record, sentSeq: -1, sentAt: Number.NEGATIVE_INFINITY })
  }

  forget(rid: string): void {
    this.#entries.delete(rid)
  }

  /** The newest versions that may be sent now. */
  due(now: number): RunRecord[] {
    const due = this.#unsent().filter((entry) => entry.sentAt + MIN_INTERVAL_MS <= now)
    return due.map((entry) => entry.record)
  }

  /** ms until something may be sent; Infinity if there is nothing to send. */
  dueInMs(now: number): number {
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...this.#unsent().map((entry) => entry.sentAt + MIN_INTERVAL_MS - now),
    )
  }

  sent(records: RunRecord[], now: number): void {
    for (const { rid, seq } of records) {
      const entry = this.#entries.get(rid)
      if (entry) Object.assign(entry, { sentSeq: seq, sentAt: now })
    }
  }

  #unsent(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.record.seq > entry.sentSeq)
  }
}
