/** Assumed until enough was measured. */
const FIRST_GUESS_PER_SECOND = 2000
/** A smaller batch says nothing: its time is that of a transaction. If the catalog is slow, what waits becomes more. */
const MIN_CHANGES = 50
/** After this much work, a higher rate counts by a half. */
const RISE_MS = 500
/** The same for a lower rate: longer, because a rate that is too high costs little. Posts that wait too long leave. */
const FALL_MS = 5000

/** How many changes a second are taken, measured while there is work. */
export class WorkRate {
  #perSecond = FIRST_GUESS_PER_SECOND

  get perSecond(): number {
    return this.#perSecond
  }

  /** One batch counts by at most a half if it was slow, because the process may have been paused meanwhile. */
  note(changes: number, ms: number): void {
    if (changes < MIN_CHANGES) return
    const measured = (changes / Math.max(ms, 1)) * 1000
    const halfMs = measured > this.#perSecond ? RISE_MS : FALL_MS
    const weight = 1 - 0.5 ** (Math.min(ms, FALL_MS) / halfMs)
    this.#perSecond += (measured - this.#perSecond) * weight
  }
}
