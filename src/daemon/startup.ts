import type { Engine } from '../engine/engine.ts'
import { backoffMs } from '../lib/backoff.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'

export interface StartupParts {
  /**
   * Makes the daemon the owner of its namespace. Throws CONFLICT if another daemon is, REPOSITORY_PASSWORD if it cannot
   * open the repository, STORE_NOT_MOUNTED if there is no store, STORE_CHANGED if there is a different store.
   */
  claim(): Promise<void>
  engine: Pick<Engine, 'settle' | 'stop'>
  /** Starts the schedule unless it was stopped on request. */
  scheduler: { resume(): void }
  log: Log
  /** The longest delay before the next try to claim the store; default 30 s. Only tests set it, so as not to wait. */
  maxRetryIntervalMs?: number
}

/** How long the start waits for the store. Later tries run in the background. */
const CLAIM_TIMEOUT_MS = 10_000
/** The first tries come sooner, because a machine that has just started may only be busy. */
const MAX_RETRY_INTERVAL_MS = 30_000

/**
 * Starts the engine while HTTP already answers (`crond_status: stopped`): claims the namespace in the store, settles
 * interrupted runs, starts the schedule. An unavailable store does not block this: its runs fail with the reason,
 * volumes are settled without it, and it is claimed when it appears. If the claim is then refused, the schedule stops
 * until it succeeds.
 */
export class Startup {
  readonly #parts: StartupParts
  readonly #stop = new AbortController()
  #waitsFor: string | undefined = 'it is starting'
  /** Why the store that answers must not be used. */
  #refusal: string | undefined
  #lastCause: string | undefined

  constructor(parts: StartupParts) {
    this.#parts = parts
  }

  /** Why nothing may run yet; undefined once runs are accepted. */
  get waitsFor(): string | undefined {
    return this.#waitsFor ?? this.#refusal
  }

  /** Throws errors with which the daemon cannot start: see endsDaemon. */
  async run(): Promise<void> {
    const { engine, log } = this.#parts
    this.#waitsFor = 'the store has not answered yet'
    const withStore = await this.#claimOrLater()
    this.#waitsFor = 'interrupted runs are being settled'
    const { ended, locked } = await engine.settle({ withStore })
    if (ended.length > 0)
      log.warn(
        { ended },
        `${ended.length} runs had not ended when the daemon stopped; they count as failed now`,
      )
    for (const { volume, reason } of locked)
      log.error({ volume }, `The volume ${volume} is locked: ${reason}`)
    if (this.#stop.signal.aborted) return
    this.#waitsFor = undefined
    if (this.#refusal === undefined) this.#parts.scheduler.resume()
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Returns whether the store is claimed; if not, tries again in the background. */
  async #claimOrLater(): Promise<boolean> {
    try {
      await this.#claimInTime()
      return true
    } catch (error) {
      if (endsDaemon(error)) throw error
      if (isClaimRefusal(error)) this.#refuse(messageOf(error))
      else this.#logUnavailable(error)
      void this.#claimLater()
      return false
    }
  }

  /** Logs each cause once, not each try. */
  #logUnavailable(error: unknown): void {
    const reason = messageOf(error)
    if (reason === this.#lastCause) return
    this.#lastCause = reason
    this.#parts.log.error(
      { error },
      `The store cannot be claimed: ${reason}. Runs that need it fail until it can. Trying again`,
    )
  }

  async #claimLater(): Promise<void> {
    const { maxRetryIntervalMs: maxMs = MAX_RETRY_INTERVAL_MS } = this.#parts
    for (let tries = 1; await sleep(backoffMs(tries, maxMs), this.#stop.signal); tries++) {
      try {
        await this.#parts.claim()
        this.#onClaimed()
        return
      } catch (error) {
        if (isClaimRefusal(error)) this.#refuse(messageOf(error))
        else this.#logUnavailable(error)
      }
    }
  }

  /** Stops the schedule until a later claim succeeds, because the cause may be fixed or only temporary. */
  #refuse(reason: string): void {
    if (this.#refusal === undefined) this.#parts.engine.stop()
    if (this.#refusal !== reason)
      this.#parts.log.error({}, `${reason}. The schedule is stopped. Trying again`)
    this.#refusal = reason
  }

  /** Starts the schedule again if a refused claim had stopped it. */
  #onClaimed(): void {
    this.#parts.log.info({}, 'The store is available and claimed')
    if (this.#refusal === undefined) return
    this.#refusal = undefined
    if (this.#waitsFor === undefined) this.#parts.scheduler.resume()
  }

  async #claimInTime(): Promise<void> {
    const late = new AbortController()
    const timeout = sleep(CLAIM_TIMEOUT_MS, late.signal).then((rang) => {
      if (rang)
        throw new BackupdError('STORE_UNAVAILABLE', `it did not answer within ${CLAIM_TIMEOUT_MS / 1000} s`)
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

/** Errors that an operator must fix. Not STORE_CHANGED: the right store may be mounted a moment later. */
function endsDaemon(error: unknown): boolean {
  return ['CONFLICT', 'REPOSITORY_PASSWORD', 'STORE_NOT_MOUNTED'].includes(readCode(error) ?? '')
}

/** The store answers, but this daemon may not use it in its present state. */
function isClaimRefusal(error: unknown): boolean {
  return ['CONFLICT', 'REPOSITORY_PASSWORD', 'STORE_CHANGED'].includes(readCode(error) ?? '')
}

function readCode(error: unknown): string | undefined {
  return error instanceof BackupdError ? error.code : undefined
}
