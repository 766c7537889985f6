import type { Engine } from '../engine/engine.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'

export interface StartupParts {
  /**
   * Makes the daemon the owner of its namespace. Throws CONFLICT where another is, REPOSITORY_PASSWORD where it cannot
   * open the increments, STORE_NOT_MOUNTED where no store is, STORE_CHANGED if another store is there.
   */
  claim(): Promise<void>
  engine: Pick<Engine, 'settle' | 'stop'>
  /** Starts the schedule unless it was stopped on request. */
  scheduler: { resume(): void }
  log: Log
  /** How long until a store that was away is looked for again. */
  againMs?: number
}

/** A store that has not answered by then is left for later. */
const CLAIM_MS = 10_000
const CLAIM_AGAIN_MS = 30_000

/**
 * Brings the engine up while HTTP already answers (`crond_status: stopped`): the store's namespace is claimed, what
 * an earlier life left is settled, the schedule starts. A store that is not there stops none of it: its runs fail and
 * say so, volumes can be settled without it, and it is claimed when it comes. Where it is then refused, the schedule
 * stops until it can be claimed.
 */
export class Startup {
  readonly #parts: StartupParts
  readonly #stop = new AbortController()
  #waitsFor: string | undefined = 'it is starting'
  /** Why the store that came is not to be used. */
  #refusal: string | undefined

  constructor(parts: StartupParts) {
    this.#parts = parts
  }

  /** Why nothing may run yet. */
  get waitsFor(): string | undefined {
    return this.#waitsFor ?? this.#refusal
  }

  /** Throws what the daemon cannot start with. */
  async run(): Promise<void> {
    const { engine, log } = this.#parts
    this.#waitsFor = 'the store has not answered yet'
    const withStore = await this.#claimOrLater()
    this.#waitsFor = 'what an earlier run left is being settled'
    const { ended, locked } = await engine.settle({ withStore })
    if (ended.length > 0)
      log.warn({ ended }, `${ended.length} runs had not ended when the daemon stopped; they read failed now`)
    for (const { volume, reason } of locked)
      log.error({ volume }, `The volume ${volume} is locked: ${reason}`)
    if (this.#stop.signal.aborted) return
    this.#waitsFor = undefined
    if (this.#refusal === undefined) this.#parts.scheduler.resume()
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Whether the store is claimed now. */
  async #claimOrLater(): Promise<boolean> {
    try {
      await this.#claimInTime()
      return true
    } catch (error) {
      if (endsDaemon(error)) throw error
      if (isRefusal(error)) this.#refuse(messageOf(error))
      else this.#tellAway(error)
      void this.#claimLater()
      return false
    }
  }

  #tellAway(error: unknown): void {
    this.#parts.log.error(
      { error },
      `The store cannot be claimed: ${messageOf(error)}. Runs that need it fail until it can; it is tried again`,
    )
  }

  async #claimLater(): Promise<void> {
    while (await sleep(this.#parts.againMs ?? CLAIM_AGAIN_MS, this.#stop.signal)) {
      try {
        await this.#parts.claim()
        this.#use()
        return
      } catch (error) {
        if (isRefusal(error)) this.#refuse(messageOf(error))
      }
    }
  }

  /** Until it can be claimed after all: what is wrong may be mended, or was the store's first moment. */
  #refuse(reason: string): void {
    if (this.#refusal === undefined) this.#parts.engine.stop()
    if (this.#refusal !== reason)
      this.#parts.log.error({}, `${reason}. The schedule is stopped; it is tried again`)
    this.#refusal = reason
  }

  #use(): void {
    this.#parts.log.info({}, 'The store is there and claimed')
    if (this.#refusal === undefined) return
    this.#refusal = undefined
    if (this.#waitsFor === undefined) this.#parts.scheduler.resume()
  }

  async #claimInTime(): Promise<void> {
    const late = new AbortController()
    const timeout = sleep(CLAIM_MS, late.signal).then((rang) => {
      if (rang) throw new BackupdError('STORE_UNAVAILABLE', `it did not answer within ${CLAIM_MS / 1000} s`)
    })
    const claim = this.#parts.claim()
    try {
      await Promise.race([claim, timeout])
    } finally {
      late.abort()
      claim.catch(() => {})
    }
  }
}

/** Refusals that an operator must end. Another store is no such thing: the right one may be mounted a moment later. */
function endsDaemon(error: unknown): boolean {
  return ['CONFLICT', 'REPOSITORY_PASSWORD', 'STORE_NOT_MOUNTED'].includes(codeOf(error) ?? '')
}

/** The store is there, and not for this daemon as it is. */
function isRefusal(error: unknown): boolean {
  return ['CONFLICT', 'REPOSITORY_PASSWORD', 'STORE_CHANGED'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  return error instanceof BackupdError ? error.code : undefined
}
