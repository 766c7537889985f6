import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'

const SOURCE = 'background'

/**
 * Background work that only the shutdown waits for. A failure is never thrown: it is logged, and is a problem until
 * work of the same name succeeds. One that comes again and again, as each second while a disk is full, is logged once.
 */
export class Background {
  readonly #log: Log
  readonly #problems: Problems
  readonly #running = new Map<string, Promise<void>>()
  /** By name: the failure that was logged last. */
  readonly #logged = new Map<string, string>()
  #isClosing = false

  constructor(log: Log, problems: Problems) {
    this.#log = log
    this.#problems = problems
  }

  /** Starts `work`, unless work of the same name still runs. Resolves when the running one ends. */
  run(name: string, work: () => Promise<unknown>): Promise<void> {
    const already = this.#running.get(name)
    if (already) return already
    const running = work()
      .then(
        () => this.forget(name),
        (error) => this.#failed(name, error),
      )
      .finally(() => this.#running.delete(name))
    this.#running.set(name, running)
    return running
  }

  /** Clears the problem of failed work that is not tried again. */
  forget(name: string): void {
    this.#logged.delete(name)
    this.#problems.clear(SOURCE, name)
  }

  /** From now on, failures are not reported: the daemons or the catalog may be closing too. */
  close(): void {
    this.#isClosing = true
  }

  #failed(name: string, error: unknown): void {
    if (this.#isClosing) return
    const text = `Cannot ${name}: ${messageOf(error)}. It is tried again`
    this.#problems.report({ source: SOURCE, key: name, text })
    if (this.#logged.get(name) === text) return
    this.#logged.set(name, text)
    this.#log.error({ work: name, err: error }, text)
  }

  /** Resolves when no work is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }
}
