import { isoTime } from '../../lib/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lib/time-units.ts'
import { makeSessionPrincipal, type SessionPrincipal, type TokenPrincipal } from './principal.ts'
import type { Grant } from './roles.ts'
import { isToken, readTokenId } from './token-text.ts'

/** How a session began. */
export type SessionOrigin = 'token' | 'link'

export interface StoredSession {
  id: string
  /** Of the whole cookie, hex. */
  hash: string
  by: SessionOrigin
  /** Whose it is: the holder may list and end all sessions with the same. */
  holder: string
  /** Of the holder, for people. */
  name: string
  /** The session ends with this token, and may do what it may; null: it has grants of its own. */
  tokenId: string | null
  grants: readonly Grant[]
  /** Where it began. */
  address: string
  /** ISO 8601. */
  createdAt: string
  /** ISO 8601, written seldom. */
  lastUsedAt: string
  /** ISO 8601: when it ends, however much it is used. */
  expiresAt: string
}

/** Keeps the sessions. */
export interface SessionStore {
  all(): Promise<StoredSession[]>
  add(session: StoredSession): Promise<void>
  remove(ids: readonly string[]): Promise<void>
  /** Those of kinds that are not known here, too. */
  removeAll(): Promise<void>
  noteUses(uses: readonly { id: string; at: string }[]): Promise<void>
}

interface KnownSession {
  session: StoredSession
  /** `lastUsedAt` as it is stored, unix ms. */
  noted: number
  /** It counts no more, though it may still be stored. */
  isEnded: boolean
  /** Those that `principal` has. */
  grants: readonly Grant[]
  principal: SessionPrincipal
}

/** A session ends after this without a request, ms. */
export const MAX_IDLE_MS = 12 * HOUR_MS
/** And after this in any case, ms. */
export const MAX_SESSION_MS = 7 * DAY_MS
/** The last use is written at most this often, ms. */
const NOTE_INTERVAL_MS = HOUR_MS / 4
/** A session that ends later than this after its longest time began before the clock was set back, ms. */
const MAX_SETBACK_MS = 5 * MINUTE_MS

export interface SessionBookOptions {
  now(): number
  findToken(id: string): TokenPrincipal | undefined
}

/** All sessions, in memory: each request with a cookie looks here. A change is stored first. */
export class SessionBook {
  readonly #store: SessionStore
  readonly #options: SessionBookOptions
  readonly #known = new Map<string, KnownSession>()

  constructor(store: SessionStore, options: SessionBookOptions) {
    this.#store = store
    this.#options = options
  }

  async load(): Promise<void> {
    for (const session of await this.#store.all()) this.#remember(session)
  }

  get size(): number {
    return this.#known.size
  }

  /** Those that count, oldest first. */
  list(): StoredSession[] {
    return [...this.#known.values()].filter((known) => this.#findGrants(known)).map(({ session }) => session)
  }

  /** Whose session this is, and notes its use; undefined if it is not known or has ended. */
  identify(text: string): SessionPrincipal | undefined {
    const known = this.#known.get(readTokenId(text, 'bks') ?? '')
    if (!isToken(text, known?.session.hash) || !known) return undefined
    const principal = this.#findPrincipal(known)
    if (principal) known.session.lastUsedAt = isoTime(this.#options.now())
    return principal
  }

  /** Whose session this is; undefined as in identify(). */
  find(id: string): SessionPrincipal | undefined {
    const known = this.#known.get(id)
    return known && this.#findPrincipal(known)
  }

  async add(session: StoredSession): Promise<void> {
    await this.#store.add(session)
    this.#remember(session)
  }

  /** Ends sessions at once. If that cannot be stored, it rejects, and can be called again. */
  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.flatMap((id) => this.#known.get(id) ?? [])
    if (known.length === 0) return
    for (const each of known) each.isEnded = true
    await this.#store.remove(known.map(({ session }) => session.id))
    for (const { session } of known) this.#known.delete(session.id)
  }

  /** Ends all sessions, as remove() does. If that cannot be stored, store() tries again. */
  async removeAll(): Promise<void> {
    const known = [...this.#known.values()]
    for (const each of known) each.isEnded = true
    await this.#store.removeAll()
    for (const { session } of known) this.#known.delete(session.id)
  }

  /** Writes the last uses that were not written for a while, and forgets sessions that have ended. */
  async store(): Promise<void> {
    const all = [...this.#known.values()]
    await this.remove(all.filter((known) => !this.#findGrants(known)).map(({ session }) => session.id))
    const due = all.filter(
      ({ session, noted, isEnded }) => !isEnded && Date.parse(session.lastUsedAt) - noted >= NOTE_INTERVAL_MS,
    )
    if (due.length === 0) return
    await this.#store.noteUses(due.map(({ session: { id, lastUsedAt } }) => ({ id, at: lastUsedAt })))
    for (const known of due) known.noted = Date.parse(known.session.lastUsedAt)
  }

  #remember(session: StoredSession): void {
    const { grants, lastUsedAt } = session
    this.#known.set(session.id, {
      session: { ...session },
      noted: Date.parse(lastUsedAt),
      isEnded: false,
      grants,
      principal: makeSessionPrincipal(session),
    })
  }

  /** The same one until its roles change. */
  #findPrincipal(known: KnownSession): SessionPrincipal | undefined {
    const grants = this.#findGrants(known)
    if (!grants) return undefined
    if (grants !== known.grants) {
      known.grants = grants
      known.principal = makeSessionPrincipal({ ...known.session, grants })
    }
    return known.principal
  }

  /** What the session may do; undefined if it counts no more. */
  #findGrants({ session, isEnded }: KnownSession): readonly Grant[] | undefined {
    const { tokenId, grants, lastUsedAt, expiresAt } = session
    if (isEnded || !isWithinTime({ lastUsedAt, expiresAt }, this.#options.now())) return undefined
    return tokenId === null ? grants : this.#options.findToken(tokenId)?.grants
  }
}

/** False for dates that cannot be read, too. */
function isWithinTime(
  { lastUsedAt, expiresAt }: { lastUsedAt: string; expiresAt: string },
  now: number,
): boolean {
  const left = Date.parse(expiresAt) - now
  return left > 0 && left <= MAX_SESSION_MS + MAX_SETBACK_MS && Date.parse(lastUsedAt) + MAX_IDLE_MS > now
}
