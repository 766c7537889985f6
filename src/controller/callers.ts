import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { type AnonymousRole, makeAnonymous, type Principal } from '../domain/access/principal.ts'
import type { TokenBook } from '../domain/access/token-book.ts'
import { BackupdError } from '../lib/errors.ts'
import { isLoopback } from '../lib/loopback.ts'
import { plainIp } from '../lib/plain-ip.ts'
import { readCredentials } from './credentials.ts'

export interface AccessOptions {
  /** What callers without credentials may do. */
  anonymous: AnonymousRole
  /** Accept credentials over plain HTTP from other machines, too. */
  insecureHttp: boolean
}

/** Finds out who asks; the only maker of principals for requests. What they may do is decided in domain/. */
export class Callers {
  readonly #tokens: TokenBook
  readonly #options: AccessOptions
  readonly #anonymous: Principal

  constructor(tokens: TokenBook, options: AccessOptions) {
    this.#tokens = tokens
    this.#options = options
    this.#anonymous = makeAnonymous(options.anonymous)
  }

  /**
   * Throws UNAUTHENTICATED for credentials that are not valid, which never count as none, and TLS_REQUIRED for those
   * that others could have read on their way.
   * @param authorization the header, or what a WebSocket sent instead
   */
  identify(request: IncomingMessage, authorization = request.headers.authorization): Principal {
    if (authorization === undefined) return this.#anonymous
    if (!this.#options.insecureHttp && !isPrivate(request)) throw inTheClear()
    const text = readCredentials(authorization)
    const principal = text === undefined ? undefined : this.#tokens.identify(text)
    if (!principal) throw notValid(text === undefined)
    return principal
  }

  /** Whether the principal may still ask: its token has not ended since. */
  isCurrent(principal: Principal): boolean {
    return principal.kind !== 'token' || this.#tokens.isCurrent(principal.tokenId)
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

export function tokenEnded(): BackupdError {
  return new BackupdError('UNAUTHENTICATED', 'The token was revoked or has expired. Sign in with another one')
}

/** Whether nobody but the two ends reads the connection. */
function isPrivate({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket || isLoopback(plainIp(socket.remoteAddress ?? ''))
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
