import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { AnonymousUse } from '../domain/access/access-state.ts'
import { type AnonymousRole, makeAnonymous, type Principal } from '../domain/access/principal.ts'
import type { World } from '../domain/world.ts'
import { BackupdError } from '../lib/errors.ts'
import { isLoopback } from '../lib/loopback.ts'
import { plainIp } from '../lib/plain-ip.ts'
import { readCredentials } from './credentials.ts'

export interface AccessOptions {
  /** What callers without credentials may do; undefined: nothing, or everything if the data is from before tokens. */
  anonymous: AnonymousRole | undefined
  /** Accept credentials over plain HTTP from other machines, too. */
  insecureHttp: boolean
}

type CallerWorld = Pick<World, 'tokens' | 'access' | 'clock'>

const ANONYMOUS = {
  none: makeAnonymous('none'),
  viewer: makeAnonymous('viewer'),
  admin: makeAnonymous('admin'),
}

/** Finds out who asks; the only maker of principals for requests. What they may do is decided in domain/. */
export class Callers {
  readonly #world: CallerWorld
  readonly #options: AccessOptions

  constructor(world: CallerWorld, options: AccessOptions) {
    this.#world = world
    this.#options = options
  }

  /**
   * Throws UNAUTHENTICATED for credentials that are not valid, which never count as none, and TLS_REQUIRED for those
   * that others could have read on their way.
   * @param authorization the header, or what a WebSocket sent instead
   */
  identify(request: IncomingMessage, authorization = request.headers.authorization): Principal {
    if (authorization === undefined) return this.#findAnonymous()
    if (!this.#options.insecureHttp && !isPrivate(request)) throw inTheClear()
    const text = readCredentials(authorization)
    const principal = text === undefined ? undefined : this.#world.tokens.identify(text)
    if (!principal) throw notValid(text === undefined)
    return principal
  }

  /** Whether the principal may still ask: neither has its token ended, nor has access been closed since. */
  isCurrent(principal: Principal): boolean {
    if (principal.kind === 'token') return this.#world.tokens.isCurrent(principal.tokenId)
    return principal.kind !== 'anonymous' || principal === this.#findAnonymous()
  }

  /** Notes who would be refused if callers without credentials were. */
  noteRequest(principal: Principal, { address, request }: Pick<AnonymousUse, 'address' | 'request'>): void {
    if (principal.kind !== 'anonymous') return
    this.#world.access.noteAnonymous(address, request, this.#world.clock.now())
  }

  #findAnonymous(): Principal {
    const { anonymous = this.#world.access.isEnforced ? 'none' : 'admin' } = this.#options
    return ANONYMOUS[anonymous]
  }
}

/** Throws UNAUTHENTICATED for a principal that may do nothing at all. */
export function requireGrants(principal: Principal): void {
  if (principal.grants.length > 0) return
  throw new BackupdError(
    'UNAUTHENTICATED',
    'Sign in: this controller answers nobody without a token. Send one as "Authorization: Bearer TOKEN", or as the password of HTTP Basic',
  )
}

/** For whoever was answered before. */
export function accessEnded(): BackupdError {
  const what =
    'Sign in again: the token was revoked or has expired, or callers without one are no longer answered'
  return new BackupdError('UNAUTHENTICATED', what)
}

/** Whether nobody but the two ends reads the connection: it is encrypted, or both are on this machine. */
function isPrivate({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '', localAddress } = socket
  return socket instanceof TLSSocket || remoteAddress === localAddress || isLoopback(plainIp(remoteAddress))
}

function inTheClear(): BackupdError {
  return new BackupdError(
    'TLS_REQUIRED',
    'Credentials are refused over plain HTTP from another machine, because others may read them. Ask through TLS or on the machine itself, or start the controller with --insecure-http',
  )
}

/** Says nothing about which part is wrong. */
function notValid(isUnreadable: boolean): BackupdError {
  const what = isUnreadable
    ? 'The credentials are neither a bearer token nor a password with a token'
    : 'The token is not valid: it is misspelt, was revoked or has expired'
  return new BackupdError('UNAUTHENTICATED', what)
}
