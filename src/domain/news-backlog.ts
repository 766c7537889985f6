import type { Clock } from '../lib/clock.ts'

/** Every refused daemon has come back by then, also one with the longest backoff. */
export const CALM_MS = 75_000

/** Knows which servers have more news than they could send, by their last posts. */
export class NewsBacklog {
  readonly #clock: Clock
  /** Elapsed ms of the last post that said so. */
  readonly #since = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(server: string, isBehind: boolean): void {
    if (isBehind) this.#since.set(server, this.#clock.elapsed())
    else this.#since.delete(server)
  }

  /** False if the server was not heard of for CALM_MS: it may be dead. */
  isBehind(server: string): boolean {
    const since = this.#since.get(server)
    return since !== undefined && this.#clock.elapsed() - since < CALM_MS
  }
}
