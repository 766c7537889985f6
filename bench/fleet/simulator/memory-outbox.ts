import type { NewsQueue } from '../../../src/daemon/notifier/mail.ts'
import { printRun, type Run, type SimulatedState } from './run.ts'
import type { Tally } from './tally.ts'

interface Change {
  run: Run
  state: SimulatedState
  /** Unix ms. */
  at: number
}

/** The news of one daemon that its controller has not accepted yet, in memory instead of in a database. */
export class MemoryOutbox implements NewsQueue {
  readonly #tally: Tally
  /** Changes that were accepted are cut off; `#accepted` is their number. */
  #waiting: Change[] = []
  #accepted = 0

  constructor(tally: Tally) {
    this.#tally = tally
  }

  get size(): number {
    return this.#waiting.length
  }

  add(run: Run, state: SimulatedState): void {
    this.#waiting.push({ run, state, at: Date.now() })
    this.#tally.made += 1
  }

  batch(_address: string, limit: number) {
    const batch = this.#waiting.slice(0, limit)
    if (batch.length === 0) return undefined
    this.#tally.posts += 1
    this.#tally.offered += batch.length
    return {
      records: batch.map(({ run, state }) => printRun(run, state)),
      upTo: this.#accepted + batch.length,
    }
  }

  noteAccepted(_address: string, upTo: number): void {
    const accepted = this.#waiting.splice(0, Math.max(0, upTo - this.#accepted))
    this.#accepted = Math.max(this.#accepted, upTo)
    const now = Date.now()
    for (const { state, at } of accepted) this.#tally.noteAccepted(now - at, state === 'success')
  }

  /** How old the oldest change is. */
  waitingMs(): number {
    const [oldest] = this.#waiting
    return oldest ? Date.now() - oldest.at : 0
  }

  drop(): void {
    this.#accepted += this.#waiting.length
    this.#waiting = []
  }

  /** A simulated daemon never drops an address. */
  noteSilence(): boolean {
    return false
  }
}
