import type { Clock } from '../lib/clock.ts'

/** The time between two turns. */
export const TURN_MS = 1000
/** A turn that is less late is not a stall. */
const MIN_STALL_MS = 100
const FORGET_MS = 3_600_000

interface Stall {
  /** Unix ms. */
  endedAt: number
  ms: number
}

/**
 * How long the controller itself stood still: its process was paused, its event loop was blocked, or its clock jumped
 * ahead. A daemon cannot be heard meanwhile, so that time does not count as its silence.
 */
export class OwnStalls {
  readonly #clock: Clock
  /** Oldest first. */
  readonly #stalls: Stall[] = []
  /** Unix ms of the last turn; undefined: turns are not watched. */
  #turnAt: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Call it every TURN_MS, before anything is decided by the time. */
  noteTurn(): void {
    const now = this.#clock.now()
    const ms = this.#measureDelay(now)
    this.#turnAt = now
    if (ms > 0) this.#stalls.push({ endedAt: now, ms })
    while (this.#stalls[0] && Math.abs(now - this.#stalls[0].endedAt) > FORGET_MS) this.#stalls.shift()
  }

  /** How much of the time since `at` (unix ms) the controller stood still, ms. */
  since(at: number): number {
    const now = this.#clock.now()
    let sum = Math.min(this.#measureDelay(now), Math.max(0, now - at))
    for (let each = this.#stalls.length - 1; each >= 0; each--) {
      const stall = this.#stalls[each]
      if (!stall || stall.endedAt <= at) break
      sum += Math.min(stall.ms, stall.endedAt - at)
    }
    return sum
  }

  /** How late the present turn is. */
  #measureDelay(now: number): number {
    const late = this.#turnAt === undefined ? 0 : now - this.#turnAt - TURN_MS
    return late >= MIN_STALL_MS ? late : 0
  }
}
