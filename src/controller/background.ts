import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Work that nobody waits for, except whoever closes the controller. A failure is logged, never lost, never thrown. */
export class Background {
  readonly #log: Log
  readonly #running = new Map<string, Promise<void>>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Starts `work` unless work of the same name still runs; resolves when that one ends. */
  run(name: string, work: () => Promise<unknown>): Promise<void> {
    const already = this.#running.get(name)
    if (already) return already
    const running = work()
      .then(
        () => {},
        (error) => this.#log.error({ work: name, err: error }, `${name} failed: ${messageOf(error)}`),
      )
      .finally(() => this.#running.delete(name))
    this.#running.set(name, running)
    return running
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }
}
