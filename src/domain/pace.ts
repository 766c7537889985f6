import type { Clock } from '../lib/clock.ts'

/** Allows `perSecond` starts each second, and BURST_SECONDS' worth of them at once after a rest. */
export class Pace {
  readonly #clock: Clock
  readonly #minPerSecond: number
  #allowed: number
  #readAt: number

  constructor(clock: Clock, minPerSecond: number) {
    this.#clock = clock
    this.#minPerSecond = minPerSecond
    this.#allowed = minPerSecond * BURST_SECONDS
    this.#readAt = clock.elapsed()
  }

  /** @param perSecond counts if it is above the minimum */
  tryStart(perSecond: number): boolean {
    const now = this.#clock.elapsed()
    const rate = Math.max(perSecond, this.#minPerSecond)
    const gained = ((now - this.#readAt) / 1000) * rate
    this.#allowed = Math.min(rate * BURST_SECONDS, this.#allowed + gained)
    this.#readAt = now
    if (this.#allowed < 1) return false
    this.#allowed -= 1
    return true
  }
}

const BURST_SECONDS = 0.2
