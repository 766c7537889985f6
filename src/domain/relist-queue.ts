import type { Background } from './background.ts'
import { type Lane, Lanes } from './lanes.ts'

/** Each listing costs its daemon and the catalog far more than a poll. One that does not answer costs only memory. */
const LIMITS = { busy: 2, begun: 128, gapMs: 50 }

type ListNamespace = (lane: Lane) => Promise<void>

/** Lists namespaces in the background, few at a time: after a restart, all of them are due at once. */
export class RelistQueue {
  readonly #background: Background
  readonly #lanes = new Lanes(LIMITS)
  /** By the IP of the namespace: what to do with those that wait for their turn. */
  readonly #waiting = new Map<string, ListNamespace>()

  constructor(background: Background) {
    this.#background = background
  }

  /** If this namespace is being listed now, it is listed again afterwards: that list may have begun too early. */
  add(ip: string, list: ListNamespace): void {
    if (this.#lanes.closed) return
    this.#waiting.set(ip, list)
    this.#start(ip)
  }

  isWaiting(ip: string): boolean {
    return this.#waiting.has(ip)
  }

  /** Lists this namespace before the others that wait. */
  prefer(ip: string): void {
    this.#lanes.prefer(ip)
  }

  /** A failure to list a namespace is no problem any more if its server is gone. */
  forget(ip: string): void {
    this.#waiting.delete(ip)
    this.#background.forget(makeName(ip))
  }

  close(): void {
    this.#lanes.close()
  }

  #start(ip: string): void {
    const listed = this.#background.run(makeName(ip), () =>
      this.#lanes.run(ip, (lane) => this.#list(ip, lane)),
    )
    void listed.then(() => !this.#lanes.closed && this.#waiting.has(ip) && this.#start(ip))
  }

  async #list(ip: string, lane: Lane): Promise<void> {
    const list = this.#waiting.get(ip)
    this.#waiting.delete(ip)
    await list?.(lane)
  }
}

function makeName(ip: string): string {
  return `list the backups of ${ip}`
}
