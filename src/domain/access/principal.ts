import { ACCESS_RULES, type Grant } from './roles.ts'
import { Scope } from './scope.ts'

/**
 * Who asks. Only the HTTP edge makes principals; people and daemons will be further kinds.
 * `process` is this program itself, which no request can be.
 */
export type Principal = AnonymousPrincipal | TokenPrincipal | ProcessPrincipal

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
  const who =
    principal.kind === 'token' ? `${place} with the token "${principal.name}" (${principal.tokenId})` : place
  return { principal, address, who }
}
