import { DAY_MS } from '../../lib/time-units.ts'

/** Requests of one address that were refused before it was known who asks. */
export interface RefusedRequests {
  address: string
  /** By error code. */
  counts: Record<string, number>
}

export interface RefusedDigest {
  addresses: RefusedRequests[]
  /** Requests of all other addresses together. */
  others: number
}

/** More addresses count together. */
export const MAX_REFUSED_ADDRESSES = 100
/** Tokens with addresses; more are not noted until the day ends. */
const MAX_SIGN_INS = 10_000

/** What the audit says of callers who asked for nothing that it has: who signed in from where, and who was refused. */
export class AccessDigest {
  readonly #refused = new Map<string, Record<string, number>>()
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
    const digest = { addresses, others: this.#others }
    this.#refused.clear()
    this.#others = 0
    return addresses.length > 0 ? digest : null
  }
}
