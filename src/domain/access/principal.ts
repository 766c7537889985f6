import { ACCESS_RULES, type Grant } from './roles.ts'
import { Scope } from './scope.ts'

/**
 * Who asks. Only the HTTP edge makes principals.
 * `process` is this program itself, which no request can be.
 */
export type Principal = AnonymousPrincipal | TokenPrincipal | SessionPrincipal | ProcessPrincipal

interface AnyPrincipal {
  readonly name: string
  readonly grants: readonly Grant[]
  /** What it may see. */
  readonly scope: Scope
}

export interface AnonymousPrincipal extends AnyPrincipal {
  readonly kind: 'anonymous'
}

export interface TokenPrincipal extends AnyPrincipal {
  readonly kind: 'token'
  readonly tokenId: string
}

/** Someone who signed in with a browser. */
export interface SessionPrincipal extends AnyPrincipal {
  readonly kind: 'session'
  readonly sessionId: string
  /** Whose session it is, as in StoredSession. */
  readonly holder: string
}

export interface ProcessPrincipal extends AnyPrincipal {
  readonly kind: 'process'
}

/** What callers without credentials may do. */
export type AnonymousRole = 'none' | 'viewer' | 'admin'

/** @param more what callers from some addresses may do besides */
export function makeAnonymous(role: AnonymousRole, more: readonly Grant[] = []): AnonymousPrincipal {
  const grants: Grant[] = role === 'none' ? [...more] : [{ role, apps: null }, ...more]
  return { kind: 'anonymous', name: 'anonymous', grants, scope: findScope(grants) }
}

export function makeTokenPrincipal(tokenId: string, name: string, grants: readonly Grant[]): TokenPrincipal {
  return { kind: 'token', tokenId, name, grants, scope: findScope(grants) }
}

/** @param session the grants are those that it has now */
export function makeSessionPrincipal(session: {
  id: string
  holder: string
  name: string
  grants: readonly Grant[]
}): SessionPrincipal {
  const { id, holder, name, grants } = session
  return { kind: 'session', sessionId: id, holder, name, grants, scope: findScope(grants) }
}

/** Whose sessions the principal may list and end; undefined: nobody's. */
export function findHolder(principal: Principal): string | undefined {
  if (principal.kind === 'session') return principal.holder
  return principal.kind === 'token' ? holderOfToken(principal.tokenId) : undefined
}

/** What stands in for the principal's credentials in the address of a download; null: it has none. */
export function nameCredentials(principal: Principal): string | null {
  if (principal.kind === 'session') return `session ${principal.sessionId}`
  return principal.kind === 'token' ? principal.tokenId : null
}

/** The holder of sessions that began with a token. */
export function holderOfToken(tokenId: string): string {
  return `token ${tokenId}`
}

/** For requests that the program makes of itself. */
export const OWN_PROCESS: ProcessPrincipal = {
  kind: 'process',
  name: 'backupd',
  grants: [{ role: 'admin', apps: null }],
  scope: new Scope(null),
}

/** May see what a scope has, and do nothing: for answers that several callers share. */
export function makeReader(scope: Scope): ProcessPrincipal {
  const apps = scope.isWhole ? null : [...scope.names, ...scope.prefixes.map((prefix) => `${prefix}*`)]
  return { kind: 'process', name: 'backupd', grants: [{ role: 'viewer', apps }], scope }
}

function findScope(grants: readonly Grant[]): Scope {
  const viewing = grants.filter(({ role }) => (ACCESS_RULES.view.roles as readonly string[]).includes(role))
  if (viewing.some(({ apps }) => apps === null)) return new Scope(null)
  return new Scope(viewing.flatMap(({ apps }) => apps ?? []))
}

/** Someone who asks, and from where. */
export interface Caller {
  readonly principal: Principal
  /** IP address; null: within this program. */
  readonly address: string | null
  /** For the audit: `graphql 10.0.0.7`. */
  readonly who: string
}

/** @param way how the request came: `graphql` */
export function makeCaller(principal: Principal, way: string, address: string | null = null): Caller {
  const place = address === null ? way : `${way} ${address}`
  return { principal, address, who: `${place}${describeCredentials(principal)}` }
}

function describeCredentials(principal: Principal): string {
  const { kind, name } = principal
  if (kind === 'token') return ` with the token "${name}" (${principal.tokenId})`
  return kind === 'session' ? ` with a session of "${name}" (${principal.sessionId})` : ''
}
