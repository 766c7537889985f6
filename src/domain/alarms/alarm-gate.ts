import type { Clock } from '../../lib/clock.ts'

/** After so long, alarms are raised also about servers whose daemons have not answered. */
export const MAX_GATE_MS = 15 * 60_000
/** A daemon that was just asked sends its news at once; what it could not send until then follows within this time. */
const DELIVERY_MS = 20_000
/** News on its way is not behind. */
const TRANSIT_MS = 5000

/** Which servers are judged: nothing is raised after a start before the daemon has answered and delivered its news. */
export class AlarmGate {
  readonly #clock: Clock
  readonly #startedAt: number
  /** Elapsed ms of the first answer. */
  readonly #answeredAt = new Map<string, number>()
  /** Their daemons still have news from before their first answer. */
  readonly #behind = new Set<string>()
  readonly #open = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.elapsed()
  }

  /** @param newsWaitingMs how old the oldest news is that the daemon still has; older daemons do not say */
  noteAnswer(ip: string, newsWaitingMs = 0): void {
    const now = this.#clock.elapsed()
    const first = this.#answeredAt.get(ip) ?? now
    this.#answeredAt.set(ip, first)
    if (newsWaitingMs > now - first + TRANSIT_MS) this.#behind.add(ip)
    else this.#behind.delete(ip)
  }

  /** @param isBehind the daemon is known to have more news than it could send */
  isReady(ip: string, isBehind: boolean): boolean {
    if (this.#open.has(ip) || this.isTimeUp) return true
    const answeredAt = this.#answeredAt.get(ip)
    if (isBehind || this.#behind.has(ip)) return false
    return answeredAt !== undefined && this.#clock.elapsed() - answeredAt >= DELIVERY_MS
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
    this.#behind.delete(ip)
    this.#open.delete(ip)
  }
}
