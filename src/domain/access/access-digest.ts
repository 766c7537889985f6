import { DAY_MS } from '../../lib/time-units.ts'

/** Requests of one address that were refused before it was known who asks. */
export interface RefusedRequests {
  address: string
  /** By error code. */
  counts: Record<string, number>
}

/** What one caller asked for so often in vain that these attempts have no entries of their own. */
export interface RepeatedAttempts {
  /** As the audit says it. */
  who: string
  verb: string
  /** By error code. */
  counts: Record<string, number>
}

export interface RefusedDigest {
  addresses: RefusedRequests[]
  callers: RepeatedAttempts[]
  /** Requests of all other addresses, and repeated attempts of all other callers. */
  others: number
}

/** More addresses count together. */
export const MAX_REFUSED_ADDRESSES = 100
/** So many refused attempts of a caller have entries of their own, for each verb. */
export const MAX_ENTRIES_OF_ATTEMPTS = 20
/** Callers with verbs; attempts of others have no entries of their own. */
const MAX_ATTEMPTS = 100
/** Tokens with addresses; more are not noted until the day ends. */
const MAX_SIGN_INS = 10_000

/** What the audit says of callers who asked for nothing that it has: who signed in from where, and who was refused. */
export class AccessDigest {
  readonly #refused = new Map<string, Record<string, number>>()
  readonly #attempts = new Map<string, { times: number; repeated: RepeatedAttempts }>()
  #others = 0
  /** This day's. */
  readonly #seen = new Set<string>()
  #seenSince = Number.NEGATIVE_INFINITY
  #signIns: string[] = []

  noteRefused(address: string, code: string): void {
    const known = this.#refused.get(address)
    if (!known && this.#refused.size >= MAX_REFUSED_ADDRESSES) {
      this.#others += 1
      return
    }
    const counts = known ?? {}
    counts[code] = (counts[code] ?? 0) + 1
    this.#refused.set(address, counts)
  }

  /**
   * Counts a request of a known caller that was refused before anything was done.
   * @returns whether it gets an entry of its own, because there are few such since the last digest
   */
  noteAttempt(who: string, verb: string, code: string): boolean {
    const key = JSON.stringify([who, verb])
    const known = this.#attempts.get(key)
    if (!known && this.#attempts.size >= MAX_ATTEMPTS) {
      this.#others += 1
      return false
    }
    const attempt = known ?? { times: 0, repeated: { who, verb, counts: {} } }
    this.#attempts.set(key, attempt)
    attempt.times += 1
    if (attempt.times <= MAX_ENTRIES_OF_ATTEMPTS) return true
    const { counts } = attempt.repeated
    counts[code] = (counts[code] ?? 0) + 1
    return false
  }

  /** Notes the first use of a token from an address in a day. @param who as the audit says it @param elapsed monotonic, ms */
  noteSignIn(key: string, who: () => string, elapsed: number): void {
    if (elapsed - this.#seenSince >= DAY_MS) {
      this.#seen.clear()
      this.#seenSince = elapsed
    }
    if (this.#seen.has(key) || this.#seen.size >= MAX_SIGN_INS) return
    this.#seen.add(key)
    this.#signIns.push(who())
  }

  /** Who signed in since the last call. */
  takeSignIns(): string[] {
    const taken = this.#signIns
    this.#signIns = []
    return taken
  }

  /** What was refused since the last call; null if nothing was. */
  takeRefused(): RefusedDigest | null {
    const addresses = [...this.#refused].map(([address, counts]) => ({ address, counts }))
    const callers = [...this.#attempts.values()]
      .filter(({ times }) => times > MAX_ENTRIES_OF_ATTEMPTS)
      .map(({ repeated }) => repeated)
    const digest = { addresses, callers, others: this.#others }
    this.#refused.clear()
    this.#attempts.clear()
    this.#others = 0
    return addresses.length + callers.length + digest.others > 0 ? digest : null
  }
}
