import { hasCode } from '../../../lib/errors.ts'

/** As many as the client has connections. */
const MAX_REQUESTS = 32

/**
 * Limits how many requests are under way at once. A store that says it is busy gets half as many from then on; each
 * round of requests that it answers adds one again.
 */
export class RequestLimit {
  readonly #waiting: (() => void)[] = []
  #limit: number
  readonly #max: number
  #active = 0
  /** Answered since the limit changed last. */
  #answered = 0
  /** How often the limit was lowered. Requests of the same burst lower it once. */
  #lowered = 0

  constructor(max = MAX_REQUESTS) {
    this.#max = max
    this.#limit = max
  }

  /** At most this many requests are under way. */
  get limit(): number {
    return this.#limit
  }

  async during<T>(request: () => Promise<T>): Promise<T> {
    if (this.#active >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#active += 1
    const lowered = this.#lowered
    try {
      const answer = await request()
      this.#raise()
      return answer
    } catch (error) {
      if (isBusyStore(error) && lowered === this.#lowered) this.#lower()
      throw error
    } finally {
      this.#release()
    }
  }

  #raise(): void {
    this.#answered += 1
    if (this.#limit === this.#max || this.#answered < this.#limit) return
    this.#limit += 1
    this.#answered = 0
  }

  #lower(): void {
    this.#limit = Math.max(1, Math.floor(Math.min(this.#limit, this.#active) / 2))
    this.#answered = 0
    this.#lowered += 1
  }

  /** Hands places to those that wait, as far as the present limit goes. */
  #release(): void {
    this.#active -= 1
    while (this.#active < this.#limit) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#active += 1
      next()
    }
  }
}

function isBusyStore(error: unknown): boolean {
  return hasCode(error, 'STORE_UNAVAILABLE') && error.facts.isBusy === true
}
