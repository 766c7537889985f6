import { isoTime } from '../../lib/clock.ts'
import { makeTokenPrincipal, type TokenPrincipal } from './principal.ts'
import type { Grant } from './roles.ts'
import { isToken, readTokenId } from './token-text.ts'

export interface StoredToken {
  id: string
  name: string
  /** Of the whole token, hex. */
  hash: string
  grants: readonly Grant[]
  /** ISO 8601. */
  createdAt: string
  createdBy: string
  /** ISO 8601; null: it does not expire. */
  expiresAt: string | null
  /** ISO 8601, written seldom; null: never. */
  lastUsedAt: string | null
}

/** Keeps the tokens. */
export interface TokenStore {
  all(): Promise<StoredToken[]>
  add(token: StoredToken): Promise<void>
  remove(id: string): Promise<void>
  noteUses(uses: readonly { id: string; at: string }[]): Promise<void>
}

interface KnownToken {
  token: StoredToken
  principal: TokenPrincipal
  /** `lastUsedAt` as it is stored, unix ms. */
  noted: number
  /** It counts no more, though it may still be stored. */
  isRevoked: boolean
}

/** The last use is written at most this often. */
const NOTE_INTERVAL_MS = 3_600_000

/** All tokens, in memory: each request looks here. A change is stored first. */
export class TokenBook {
  readonly #store: TokenStore
  readonly #now: () => number
  readonly #known = new Map<string, KnownToken>()

  constructor(store: TokenStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  async load(): Promise<void> {
    for (const token of await this.#store.all()) this.#remember(token)
  }

  get size(): number {
    return this.#known.size
  }

  /** Those that have expired, too. */
  list(): StoredToken[] {
    return [...this.#known.values()].map(({ token }) => token)
  }

  /** Whose token this is, and notes its use; undefined if it is not known, was revoked or has expired. */
  identify(text: string): TokenPrincipal | undefined {
    const known = this.#known.get(readTokenId(text) ?? '')
    if (!isToken(text, known?.token.hash) || !known || !this.#counts(known)) return undefined
    known.token.lastUsedAt = isoTime(this.#now())
    return known.principal
  }

  /** Whose token this is; undefined as in identify(). */
  find(id: string): TokenPrincipal | undefined {
    const known = this.#known.get(id)
    return known && this.#counts(known) ? known.principal : undefined
  }

  /** Whether the token was neither revoked nor has expired. */
  isCurrent(id: string): boolean {
    return this.find(id) !== undefined
  }

  async add(token: StoredToken): Promise<void> {
    await this.#store.add(token)
    this.#remember(token)
  }

  /** Ends the token at once. If that cannot be stored, it rejects, and can be called again. */
  async remove(id: string): Promise<StoredToken | undefined> {
    const known = this.#known.get(id)
    if (!known) return undefined
    known.isRevoked = true
    await this.#store.remove(id)
    this.#known.delete(id)
    return known.token
  }

  /** Writes the last uses that were not written for an hour. */
  async noteUses(): Promise<void> {
    const due = [...this.#known.values()].filter(
      ({ token, noted }) => readLastUse(token.lastUsedAt) - noted >= NOTE_INTERVAL_MS,
    )
    if (due.length === 0) return
    await this.#store.noteUses(due.map(({ token }) => ({ id: token.id, at: token.lastUsedAt ?? '' })))
    for (const known of due) known.noted = readLastUse(known.token.lastUsedAt)
  }

  #remember(token: StoredToken): void {
    const principal = makeTokenPrincipal(token.id, token.name, token.grants)
    this.#known.set(token.id, {
      token: { ...token },
      principal,
      noted: readLastUse(token.lastUsedAt),
      isRevoked: false,
    })
  }

  #counts({ token: { expiresAt }, isRevoked }: KnownToken): boolean {
    return !isRevoked && (expiresAt === null || Date.parse(expiresAt) > this.#now())
  }
}

function readLastUse(at: string | null): number {
  return at === null ? 0 : Date.parse(at)
}
