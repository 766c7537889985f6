import { setImmediate } from 'node:timers/promises'

/** After so long, the event loop runs: the pool's threads wait for answers of this thread. */
const TURN_MS = 5

/** Lets the event loop run from time to time during work that never waits. */
export class Turn {
  #began = performance.now()

  async pass(): Promise<void> {
    if (performance.now() - this.#began < TURN_MS) return
    await setImmediate()
    this.#began = performance.now()
  }
}
