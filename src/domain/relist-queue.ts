import { sleep } from '../lib/sleep.ts'
import type { Background } from './background.ts'

/** How many namespaces are listed at a time: each listing costs its daemon and the catalog far more than a poll. */
const MAX_LISTINGS = 2
/** Least time in ms between two listings, if more are waiting. */
const LISTING_GAP_MS = 50

/** Lists namespaces in the background, few at a time: after a restart, all of them are due at once. */
export class RelistQueue {
  readonly #background: Background
  /** By the IP of the namespace, the next one first. */
  #waiting = new Map<string, () => Promise<void>>()
  readonly #running = new Set<string>()
  readonly #closing = new AbortController()

  constructor(background: Background) {
    this.#background = background
  }

  /** Does nothing if this namespace is being listed now. */
  add(ip: string, list: () => Promise<void>): void {
    if (this.#running.has(ip) || this.#closing.signal.aborted) return
    this.#waiting.set(ip, list)
    this.#startNext()
  }

  /** Lists this namespace before the others that wait. */
  prefer(ip: string): void {
    const list = this.#waiting.get(ip)
    if (list) this.#waiting = new Map([[ip, list], ...this.#waiting])
  }

  close(): void {
    this.#closing.abort()
    this.#waiting.clear()
  }

  #startNext(): void {
    const [next] = this.#waiting
    if (!next || this.#running.size >= MAX_LISTINGS) return
    const [ip, list] = next
    this.#waiting.delete(ip)
    this.#running.add(ip)
    void this.#background.run(`list the backups of ${ip}`, () => this.#list(ip, list))
  }

  async #list(ip: string, list: () => Promise<void>): Promise<void> {
    try {
      await list()
    } finally {
      if (this.#waiting.size > 0) await sleep(LISTING_GAP_MS, this.#closing.signal)
      this.#running.delete(ip)
      this.#startNext()
    }
  }
}
