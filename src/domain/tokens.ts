import { isoTime } from '../lib/clock.ts'
import type { Grant, Role } from './access/roles.ts'
import { isAppPattern } from './access/scope.ts'
import type { StoredToken } from './access/token-book.ts'
import { createTokenText } from './access/token-text.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { reportEndingTokens } from './ending-tokens.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow, type World } from './world.ts'

export interface TokenRequest {
  name: string
  roles: readonly Role[]
  /** Names of apps or `team-*`; undefined: everything. */
  apps?: readonly string[] | undefined
  /** ISO 8601; undefined: it does not expire. */
  expiresAt?: string | undefined
  /** Keeps the text; called before the token counts. */
  keep?(text: string): Promise<void>
}

export interface CreatedToken {
  token: StoredToken
  /** The token itself. It cannot be read again. */
  text: string
}

const MAX_TOKENS = 10_000
const MAX_APPS = 100
const MAX_NAME = 100

/** Creates a token; on disk when it resolves. */
export function createToken(world: UserWorld, request: TokenRequest): Promise<Answer<CreatedToken>> {
  const { name, roles, apps = null, expiresAt = null } = request
  const facts = { name, roles: [...roles], apps: apps && [...apps], expiresAt }
  return audited(
    world,
    { verb: 'createToken', facts },
    {
      check: () => refuseUnlessPermitted(world, 'access', 'everything') ?? refuseInvalid(world, request),
      async act() {
        const created = makeToken(world, request)
        await request.keep?.(created.text)
        await world.tokens.add(created.token)
        reportEndingTokens(world)
        return created
      },
    },
  )
}

function makeToken(world: UserWorld, request: TokenRequest): CreatedToken {
  const { id, text, hash } = createTokenText()
  const { name, expiresAt = null } = request
  const token: StoredToken = {
    ...{ id, name, hash, expiresAt, lastUsedAt: null },
    grants: makeGrants(request),
    createdAt: isoTime(trustedNow(world)),
    createdBy: world.caller.who,
  }
  return { token, text }
}

/** Whether somebody with a token may do everything. */
export function hasAdminToken({ tokens }: World): boolean {
  return tokens.list().some((token) => tokens.isCurrent(token.id) && isAdminToken(token))
}

/** Whether a token may do everything. */
export function isAdminToken({ grants }: Pick<StoredToken, 'grants'>): boolean {
  return grants.some(({ role, apps }) => role === 'admin' && apps === null)
}

function makeGrants({ roles, apps }: TokenRequest): Grant[] {
  const of = apps === undefined || apps.includes('*') ? null : [...new Set(apps)]
  return [...new Set(roles)].map((role) => ({ role, apps: of }))
}

function refuseInvalid(world: UserWorld, { name, roles, apps, expiresAt }: TokenRequest) {
  const refuseInput = (what: string) => refuse('BAD_INPUT', `Cannot create the token: ${what}`)
  if (!/^[^\p{C}]{1,100}$/u.test(name))
    return refuseInput(`its name must have 1 to ${MAX_NAME} printable characters`)
  if (roles.length === 0) return refuseInput('it needs a role')
  if (apps?.length === 0) return refuseInput('"apps" is empty. Name apps, or leave it out for everything')
  if (apps && apps.length > MAX_APPS) return refuseInput(`it has more than ${MAX_APPS} apps. Use team-*`)
  const bad = apps?.find((pattern) => !isAppPattern(pattern))
  if (bad !== undefined)
    return refuseInput(
      `${JSON.stringify(bad)} is not an app, expected a name, or team-* with the star at the end`,
    )
  if (expiresAt !== undefined && Date.parse(expiresAt) <= trustedNow(world))
    return refuseInput(`it would expire at ${expiresAt}, which has passed`)
  if (world.tokens.size < MAX_TOKENS) return undefined
  return refuse('CONFLICT', `There are ${MAX_TOKENS} tokens already: revoke some that are not used`)
}

/** Ends a token: no further request with it is answered, and its open sockets are closed. */
export function revokeToken(world: UserWorld, id: string): Promise<Answer<StoredToken>> {
  return audited(
    world,
    { verb: 'revokeToken', facts: { id } },
    {
      check: () => refuseUnlessPermitted(world, 'access', 'everything'),
      async act() {
        const token = await world.tokens.remove(id)
        reportEndingTokens(world)
        const missing = `There is no token "${id}". Take its id from the list of tokens`
        return token ?? refuse('NOT_FOUND', missing, { id })
      },
    },
  )
}

/** All tokens, oldest first, those that have expired included. */
export function listTokens(world: UserWorld): Answer<StoredToken[]> {
  return refuseUnlessPermitted(world, 'access', 'everything') ?? world.tokens.list()
}
