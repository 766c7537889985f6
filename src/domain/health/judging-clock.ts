import type { Clock } from '../../lib/clock.ts'
import type { TrustedClock } from '../../lib/trusted-clock.ts'

/**
 * The time by which planned times pass. While the controller's clock is in doubt it stands still, so that no backup
 * becomes overdue by a clock that was set wrong.
 */
export class JudgingClock {
  readonly #clock: Clock
  readonly #trusted: TrustedClock | undefined
  #wallMs: number
  #elapsedMs: number
  #frozenAt: number | null = null

  constructor(clock: Clock, trusted: TrustedClock | undefined) {
    this.#clock = clock
    this.#trusted = trusted
    this.#wallMs = (trusted ?? clock).now()
    this.#elapsedMs = clock.elapsed()
    this.refresh()
  }

  /** Compares the clocks; call it every second. In between, the time is that of the last call and what elapsed since. */
  refresh(): void {
    if (this.#trusted?.doubt) {
      this.#frozenAt ??= this.now()
      return
    }
    this.#frozenAt = null
    this.#wallMs = this.#clock.now()
    this.#elapsedMs = this.#clock.elapsed()
  }

  get isFrozen(): boolean {
    return this.#frozenAt !== null
  }

  /** Unix ms; goes on while the clock is in doubt, from the time before that. */
  now(): number {
    return this.#wallMs + (this.#clock.elapsed() - this.#elapsedMs)
  }

  /** Unix ms. */
  judgingTime(): number {
    return this.#frozenAt ?? this.now()
  }
}
