import type { Clock } from '../../lib/clock.ts'

/** After so long, alarms are raised also about servers whose daemons have not answered. */
export const MAX_GATE_MS = 15 * 60_000
/** A daemon that was just asked sends its news at once; what it could not send until then follows within this time. */
const DELIVERY_MS = 20_000

/** Which servers are judged: nothing is raised after a start before the daemon has answered and delivered its news. */
export class AlarmGate {
  readonly #clock: Clock
  readonly #startedAt: number
  /** Elapsed ms of the first answer. */
  readonly #answeredAt = new Map<string, number>()
  readonly #open = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.elapsed()
  }

  noteAnswer(ip: string): void {
    if (!this.#answeredAt.has(ip)) this.#answeredAt.set(ip, this.#clock.elapsed())
  }

  /** @param isBehind the daemon is known to have more news than it could send */
  isReady(ip: string, isBehind: boolean): boolean {
    if (this.#open.has(ip) || this.isTimeUp) return true
    const answeredAt = this.#answeredAt.get(ip)
    return answeredAt !== undefined && !isBehind && this.#clock.elapsed() - answeredAt >= DELIVERY_MS
  }

  get isTimeUp(): boolean {
    return this.#clock.elapsed() - this.#startedAt >= MAX_GATE_MS
  }

  open(ip: string): void {
    this.#open.add(ip)
  }

  isOpen(ip: string): boolean {
    return this.#open.has(ip)
  }

  forget(ip: string): void {
    this.#answeredAt.delete(ip)
    this.#open.delete(ip)
  }
}
