import { sleep } from '../lib/sleep.ts'

export interface LaneLimits {
  /** How many pieces of work go on at a time, not counting those that wait for a daemon. */
  busy: number
  /** How many may have begun, those that wait included. */
  begun: number
  /** If more work waits, at most `busy` pieces of it begin within this time. */
  gapMs: number
}

/** The place of one piece of work. */
export interface Lane {
  /** Gives the place to others until the daemon answers, so that a silent one keeps nobody waiting. */
  wait<T>(answer: Promise<T>): Promise<T>
}

interface WaitingWork {
  key: string
  /** @param isDue false if the lanes were closed */
  begin(isDue: boolean): void
}

/** Limits work that asks daemons and then costs the controller something for each answer. */
export class Lanes {
  readonly #limits: LaneLimits
  readonly #closing = new AbortController()
  readonly #lane: Lane = { wait: (answer) => this.#wait(answer) }
  /** The next one first. */
  #waiting: WaitingWork[] = []
  /** Begun work whose answer has come; it goes on before other work begins. */
  readonly #returning: (() => void)[] = []
  #busy = 0
  #begun = 0
  #resting = 0

  constructor(limits: LaneLimits) {
    this.#limits = limits
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Returns undefined if the lanes are closed before its turn comes. */
  async run<T>(key: string, work: (lane: Lane) => Promise<T>): Promise<T | undefined> {
    if (!(await this.#waitForTurn(key))) return undefined
    try {
      return await work(this.#lane)
    } finally {
      this.#begun -= 1
      this.#leave()
    }
  }

  /** Lets the work of this key begin before the others that wait. */
  prefer(key: string): void {
    const at = this.#waiting.findIndex((work) => work.key === key)
    if (at > 0) this.#waiting.unshift(...this.#waiting.splice(at, 1))
  }

  /** What has not begun never begins. */
  close(): void {
    this.#closing.abort()
    for (const { begin } of this.#waiting.splice(0)) begin(false)
  }

  #waitForTurn(key: string): Promise<boolean> | false {
    if (this.closed) return false
    const turn = Promise.withResolvers<boolean>()
    this.#waiting.push({ key, begin: turn.resolve })
    this.#beginNext()
    return turn.promise
  }

  #beginNext(): void {
    const { busy, begun } = this.#limits
    if (this.#busy >= busy || this.#resting >= busy || this.#begun >= begun) return
    const next = this.#waiting.shift()
    if (!next) return
    this.#busy += 1
    this.#begun += 1
    void this.#rest()
    next.begin(true)
  }

  async #rest(): Promise<void> {
    const { gapMs } = this.#limits
    if (gapMs === 0) return
    this.#resting += 1
    await sleep(gapMs, this.#closing.signal)
    this.#resting -= 1
    this.#beginNext()
  }

  async #wait<T>(answer: Promise<T>): Promise<T> {
    this.#leave()
    try {
      return await answer
    } finally {
      await this.#return()
    }
  }

  #leave(): void {
    const next = this.#returning.shift()
    if (next) next()
    else this.#busy -= 1
    this.#beginNext()
  }

  async #return(): Promise<void> {
    if (this.#busy >= this.#limits.busy)
      return await new Promise<void>((resolve) => {
        this.#returning.push(resolve)
      })
    this.#busy += 1
  }
}
