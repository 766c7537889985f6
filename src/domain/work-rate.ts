/** Assumed until enough was measured. If it is too high, posts that wait too long leave on their own. */
const FIRST_GUESS_PER_SECOND = 2000
/** Earlier work counts half after this much later work. */
const HALF_LIFE_MS = 2000
/** A smaller batch says nothing: its time is that of a transaction. If the catalog is slow, what waits becomes more. */
const MIN_CHANGES = 50
/** One batch counts at most as so many times slower than expected: the process may have been paused meanwhile. */
const MAX_SLOWDOWN = 4

/** How many changes a second are taken, measured while there is work. */
export class WorkRate {
  #changes = (FIRST_GUESS_PER_SECOND * HALF_LIFE_MS) / 1000
  #ms = HALF_LIFE_MS

  note(changes: number, ms: number): void {
    if (changes < MIN_CHANGES) return
    const counted = Math.min(ms, ((MAX_SLOWDOWN * changes) / this.perSecond) * 1000)
    const kept = 0.5 ** (ms / HALF_LIFE_MS)
    this.#changes = this.#changes * kept + changes
    this.#ms = Math.max(1, this.#ms * kept + counted)
  }

  get perSecond(): number {
    return (this.#changes / this.#ms) * 1000
  }
}
