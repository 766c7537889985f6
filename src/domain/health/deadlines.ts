import { MINUTE_MS } from '../../lib/time-units.ts'

/** Items by the minute of their deadline: to set one is cheap, and those that are not due are not scanned. */
export class Deadlines<T> {
  readonly #minutes = new Map<number, T[]>()
  #lastTaken = Number.NaN
  #hasPassed = false

  /** An earlier deadline of the item stays too. When it passes, set the next one. */
  set(item: T, atMs: number): void {
    const minute = Math.ceil(atMs / MINUTE_MS)
    const items = this.#minutes.get(minute)
    if (items) items.push(item)
    else this.#minutes.set(minute, [item])
    this.#hasPassed ||= minute <= this.#lastTaken
  }

  /** Removes and lists the items whose deadline has passed, each at most a minute late. */
  take(nowMs: number): T[] {
    const minute = Math.floor(nowMs / MINUTE_MS)
    if (minute === this.#lastTaken && !this.#hasPassed) return []
    this.#lastTaken = minute
    this.#hasPassed = false
    const passed = [...this.#minutes.keys()].filter((each) => each <= minute)
    const items = new Set(passed.flatMap((each) => this.#minutes.get(each) ?? []))
    for (const each of passed) this.#minutes.delete(each)
    return [...items]
  }
}
