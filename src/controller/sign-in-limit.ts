import { createHash, randomBytes } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { readNetwork } from '../lib/address-network.ts'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Wrong sign-ins of one address, or of one /64 of IPv6, in WINDOW_SECONDS. */
export const MAX_WRONG_SIGN_INS = 30
const WINDOW_SECONDS = 60
/** Addresses share counts by chance, so that no number of addresses takes more memory than this many counts. */
const COUNTS = 4096
const LOG_INTERVAL_MS = 10_000

/**
 * Counts wrong sign-ins. Those that come too often are refused with 429, which costs their senders time and saves the log.
 * It is asked about wrong ones only, so whoever shares the address can still sign in: nobody guesses 256 bits.
 */
export class SignInLimit {
  readonly #limiter = new RateLimiterMemory({ points: MAX_WRONG_SIGN_INS, duration: WINDOW_SECONDS })
  readonly #salt = randomBytes(16)
  readonly #log: Log
  readonly #clock: Clock
  /** Elapsed ms. */
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor({ log, clock }: { log: Log; clock: Clock }) {
    this.#log = log
    this.#clock = clock
  }

  /** Counts a wrong sign-in, and returns the refusal if there were too many. */
  async count(address: string): Promise<BackupdError | undefined> {
    try {
      await this.#limiter.consume(this.#chooseCount(address))
      return undefined
    } catch (exceeded) {
      if (!(exceeded instanceof RateLimiterRes)) throw exceeded
      if (exceeded.consumedPoints === MAX_WRONG_SIGN_INS + 1) this.#note(address)
      return makeRefusal(Math.max(1, Math.ceil(exceeded.msBeforeNext / 1000)))
    }
  }

  /** Nobody can choose whom to share a count with, because the salt is secret. */
  #chooseCount(address: string): number {
    const hash = createHash('sha256').update(this.#salt).update(readNetwork(address)).digest()
    return hash.readUInt32BE() % COUNTS
  }

  #note(address: string): void {
    const now = this.#clock.elapsed()
    if (now - this.#loggedAt < LOG_INTERVAL_MS) return
    this.#loggedAt = now
    this.#log.warn({ address }, `${address} sends many tokens that are not valid: they are refused with 429`)
  }
}

function makeRefusal(retryAfterSeconds: number): BackupdError {
  const message = `Too many tokens that are not valid came from your address. Correct the token, then try again after ${retryAfterSeconds} s; a valid one is accepted now, too`
  return new BackupdError('TOO_MANY_SIGN_INS', message, { facts: { retryAfterSeconds } })
}
