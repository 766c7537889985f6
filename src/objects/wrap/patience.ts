import { backoffMs } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import { BackupdError } from '../../lib/errors.ts'
import { sleep } from '../../lib/sleep.ts'
import { isTransient, retryMsOf } from '../transient.ts'

export interface PatienceOptions {
  clock: Clock
  /** How long one call is tried again, ms. */
  callMs: number
  /** How long all calls together may wait between their tries, ms. */
  totalMs: number
}

const MAX_PAUSE_MS = 15_000

/** Tries calls again, after pauses that grow and differ, as long as their error is transient. One for each run. */
export class Patience {
  readonly #clock: Clock
  readonly #callMs: number
  #leftMs: number

  constructor({ clock, callMs, totalMs }: PatienceOptions) {
    this.#clock = clock
    this.#callMs = callMs
    this.#leftMs = totalMs
  }

  async during<T>(call: () => Promise<T>): Promise<T> {
    const begun = this.#clock.elapsed()
    for (let failures = 1; ; failures++) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof BackupdError) || !isTransient(error)) throw error
        const pauseMs = backoffMs(failures, MAX_PAUSE_MS)
        const callMs = Math.min(this.#callMs, retryMsOf(error))
        const isOver = pauseMs > this.#leftMs || this.#clock.elapsed() + pauseMs > begun + callMs
        if (isOver) throw failures === 1 ? error : afterTries(error, failures)
        this.#leftMs -= pauseMs
        await sleep(pauseMs)
      }
    }
  }
}

function afterTries(error: BackupdError, tries: number): BackupdError {
  const { code, facts, message, cause } = error
  return new BackupdError(code, `${message}. Tried ${tries} times`, { facts: { ...facts, tries }, cause })
}
