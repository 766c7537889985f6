import { setImmediate } from 'node:timers/promises'

/** So long at most before others get their turn: threads wait for answers of this one. */
const TURN_MS = 5

/** Ends the turn of work that never waits, from time to time. */
export class Turn {
  #began = performance.now()

  async pass(): Promise<void> {
    if (performance.now() - this.#began < TURN_MS) return
    await setImmediate()
    this.#began = performance.now()
  }
}
