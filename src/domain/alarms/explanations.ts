import type { Clock } from '../../lib/clock.ts'

/** Which servers have a fault that explains why their volumes have no new backups, and had one just now. */
export class Explanations {
  readonly #clock: Clock
  readonly #afterMs: number
  readonly #faults = new Map<string, Set<string>>()
  /** Elapsed ms. */
  readonly #until = new Map<string, number>()

  /** @param afterMs a fault explains for so long after it ended: the backups have to be made up for first */
  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock
    this.#afterMs = afterMs
  }

  begin(server: string, fault: string): void {
    const faults = this.#faults.get(server) ?? new Set()
    this.#faults.set(server, faults.add(fault))
  }

  end(server: string, fault: string): void {
    const faults = this.#faults.get(server)
    if (!faults?.delete(fault) || faults.size > 0) return
    this.#faults.delete(server)
    this.#until.set(server, this.#clock.elapsed() + this.#afterMs)
  }

  has(server: string): boolean {
    if (this.#faults.has(server)) return true
    const until = this.#until.get(server)
    if (until === undefined) return false
    if (this.#clock.elapsed() < until) return true
    this.#until.delete(server)
    return false
  }
}
