/**
 * Measures how long this process has waited for something outside it that may be slow, as its callers decide. A process
 * that only waits is not hung.
 */
class WaitMeter {
  #pending = 0
  #since = 0
  #waitedMs = 0

  /** Counts the time of `work`; parallel work counts once. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#pending++ === 0) this.#since = performance.now()
    try {
      return await work()
    } finally {
      if (--this.#pending === 0) this.#waitedMs += performance.now() - this.#since
    }
  }

  /** The total, including work under way. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#pending > 0 ? performance.now() - this.#since : 0)
  }
}

export const waitMeter = new WaitMeter()
