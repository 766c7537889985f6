import { isoTime } from '../lib/clock.ts'
import { compareTexts } from '../lib/compare-texts.ts'
import { findHolder, holderOfToken, type TokenPrincipal } from './access/principal.ts'
import type { Grant } from './access/roles.ts'
import { MAX_SESSION_MS, type SessionOrigin, type StoredSession } from './access/session-book.ts'
import { createTokenText } from './access/token-text.ts'
import { type Answer, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow } from './world.ts'

export interface SessionRequest {
  by: SessionOrigin
  holder: string
  name: string
  tokenId: string | null
  grants: readonly Grant[]
}

export interface CreatedSession {
  session: StoredSession
  /** What the cookie holds. It cannot be read again. */
  text: string
}

/** A further one ends the one that was not used for longest. */
export const MAX_SESSIONS = 1000
/** A further one ends the oldest of the holder. */
export const MAX_SESSIONS_OF_HOLDER = 20

/** What a session of a token needs. */
export function requestOfToken({ tokenId, name }: TokenPrincipal): SessionRequest {
  return { by: 'token', holder: holderOfToken(tokenId), name, tokenId, grants: [] }
}

/** Begins a session with a new secret; on disk when it resolves. Call it for a caller who has just proved who asks. */
export function beginSession(world: UserWorld, request: SessionRequest): Promise<Answer<CreatedSession>> {
  const { by, holder, name } = request
  const { id, text, hash } = createTokenText('bks')
  const now = trustedNow(world)
  const session: StoredSession = {
    ...{ ...request, id, hash, address: world.caller.address ?? '' },
    ...{ createdAt: isoTime(now), lastUsedAt: isoTime(now), expiresAt: isoTime(now + MAX_SESSION_MS) },
  }
  return audited(
    world,
    { verb: 'beginSession', facts: { id, by, holder, name } },
    {
      check: () => ({}),
      async act() {
        await world.sessions.remove(listSurplus(world, holder))
        await world.sessions.add(session)
        return { session, text }
      },
    },
  )
}

function listSurplus({ sessions }: UserWorld, holder: string): string[] {
  const all = sessions.list()
  const own = all.filter((each) => each.holder === holder)
  const surplus = own.slice(0, Math.max(0, own.length - MAX_SESSIONS_OF_HOLDER + 1))
  if (surplus.length > 0 || all.length < MAX_SESSIONS) return surplus.map(({ id }) => id)
  const idlest = all.toSorted((one, other) => compareTexts(one.lastUsedAt, other.lastUsedAt))
  return idlest.slice(0, all.length - MAX_SESSIONS + 1).map(({ id }) => id)
}

/** The caller's own sessions, oldest first; all of them for an admin of everything. */
export function listSessions(world: UserWorld): StoredSession[] {
  return world.sessions.list().filter((session) => isVisible(world, session))
}

function isVisible(world: UserWorld, { holder }: StoredSession): boolean {
  if (findHolder(world.caller.principal) === holder) return true
  return refuseUnlessPermitted(world, 'access', 'everything') === undefined
}

/** Ends a session: no further request with it is answered, and its open sockets are closed. */
export function endSession(world: UserWorld, id: string): Promise<Answer<StoredSession>> {
  return audited(
    world,
    { verb: 'endSession', facts: { id } },
    {
      check: () => listSessions(world).find((each) => each.id === id) ?? refuseUnknown(world, id),
      async act(session) {
        await world.sessions.remove([session.id])
        return session
      },
    },
  )
}

/** Says nothing about which sessions others have. */
function refuseUnknown(world: UserWorld, id: string): Refused {
  const missing = `There is no session "${id}". Take its id from the list of sessions`
  return refuseUnlessPermitted(world, 'access', 'everything') ?? refuse('NOT_FOUND', missing, { id })
}
