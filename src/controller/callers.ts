import type { IncomingMessage } from 'node:http'
import {
  type AnonymousRole,
  findHolder,
  makeAnonymous,
  makeCaller,
  type Principal,
  type SessionPrincipal,
  type TokenPrincipal,
} from '../domain/access/principal.ts'
import type { World } from '../domain/world.ts'
import { BackupdError } from '../lib/errors.ts'
import type { AddressRules } from './address-rules.ts'
import { AnonymousRoles } from './anonymous-roles.ts'
import { readCredentials } from './credentials.ts'
import { type RequestSender, RequestSenders } from './request-senders.ts'
import { comesFromOwnPage, isReading, readSessionCookies } from './session-cookie.ts'
import { SignInLimit } from './sign-in-limit.ts'

export interface AccessOptions extends Partial<AddressRules> {
  /** What callers without credentials may do; undefined: nothing, or everything if the data is from before tokens. */
  anonymous: AnonymousRole | undefined
  /** Accept credentials over plain HTTP from other machines, too. */
  insecureHttp: boolean
}

type CallerWorld = Pick<World, 'tokens' | 'sessions' | 'access' | 'clock' | 'log'>

/** Whoever asks while data from before tokens is open: nothing that worked may stop working. */
const EVERYBODY = makeAnonymous('admin')
const NOBODY = makeAnonymous('none')

/** Finds out who asks; the only maker of principals for requests. What they may do is decided in domain/. */
export class Callers {
  /** Where requests come from. */
  readonly senders: RequestSenders
  readonly #world: CallerWorld
  readonly #options: AccessOptions
  readonly #anonymous: AnonymousRoles
  readonly #signIns: SignInLimit

  constructor(world: CallerWorld, options: AccessOptions) {
    this.#world = world
    this.#options = options
    this.#anonymous = new AnonymousRoles(options.anonymous ?? 'none', options.anonymousFrom ?? [])
    this.#signIns = new SignInLimit(world)
    this.senders = new RequestSenders(options.trustedProxies)
  }

  /**
   * Throws UNAUTHENTICATED for credentials that are not valid, which never count as none, and TLS_REQUIRED for those
   * that others could have read on their way.
   * @param authorization the header, or what a WebSocket sent instead
   */
  identify(request: IncomingMessage, authorization = request.headers.authorization): Principal {
    const sender = this.senders.find(request)
    const isSecure = sender.isEncrypted
    const cookies = authorization === undefined ? readSessionCookies(request.headers, isSecure) : []
    if (cookies.length > 0) return this.#identifySession(request)
    if (authorization === undefined) return this.#isOpen ? EVERYBODY : this.#anonymous.find(sender)
    if (!this.#options.insecureHttp && !sender.isPrivate) throw inTheClear()
    const text = readCredentials(authorization)
    const principal = text === undefined ? undefined : this.#world.tokens.identify(text)
    if (!principal) throw new WrongCredentials(text === undefined)
    this.#noteSignIn(principal, sender)
    return principal
  }

  /** The same for what is answered to everybody: a cookie that does not count is nobody's. */
  identifyGuest(request: IncomingMessage): Principal {
    try {
      return this.identify(request)
    } catch (error) {
      if (isOfCookie(error)) return NOBODY
      throw error
    }
  }

  /** The session of a request, whatever else it has; undefined if it has none that counts. */
  findSession(request: IncomingMessage): SessionPrincipal | undefined {
    for (const cookie of readSessionCookies(request.headers, this.senders.find(request).isEncrypted)) {
      const principal = this.#world.sessions.identify(cookie)
      if (principal) return principal
    }
    return undefined
  }

  /** Throws UNAUTHENTICATED or TLS_REQUIRED, like identify(), unless `spend` resolves to true: then a code counted, and no longer does. */
  async spendCode(request: IncomingMessage, spend: () => Promise<boolean>): Promise<void> {
    if (!this.#options.insecureHttp && !this.senders.find(request).isPrivate) throw inTheClear()
    if (!(await spend())) throw new WrongCode()
  }

  /** The same for a caller who needs some role. Throws UNAUTHENTICATED also if the caller may do nothing at all. */
  admit(request: IncomingMessage, authorization = request.headers.authorization): Principal {
    const principal = this.identify(request, authorization)
    if (principal.grants.length === 0) throw signIn(this.senders.find(request))
    return principal
  }

  /**
   * Whoever has the address of a download, which stands in for the token of the caller who got it. Throws UNAUTHENTICATED if
   * that token has ended since.
   * @param credentials as in nameCredentials(); null: that caller had none
   */
  identifyTicket(request: IncomingMessage, credentials: string | null): Principal {
    const sender = this.senders.find(request)
    if (credentials === null) return this.#isOpen ? EVERYBODY : this.#anonymous.find(sender)
    if (!this.#options.insecureHttp && !sender.isPrivate) throw inTheClear()
    const [, sessionId] = /^session (.*)$/.exec(credentials) ?? []
    const { sessions, tokens } = this.#world
    const principal = sessionId === undefined ? tokens.find(credentials) : sessions.find(sessionId)
    if (!principal) throw accessEnded()
    return principal
  }

  /** What to answer if `identify` or `admit` threw: another refusal if wrong credentials come too often. */
  async countRefusal(error: unknown, request: IncomingMessage): Promise<unknown> {
    const { address } = this.senders.find(request)
    const isWrong = WRONG.some((kind) => error instanceof kind)
    const limited = isWrong ? await this.#signIns.count(address) : undefined
    const refusal = limited ?? error
    if (refusal instanceof BackupdError) this.#world.access.digest.noteRefused(address, refusal.code)
    return refusal
  }

  /** Whether the principal may still ask: neither has its token ended, nor has access been closed since. */
  isCurrent(principal: Principal): boolean {
    if (principal.kind === 'token') return this.#world.tokens.isCurrent(principal.tokenId)
    if (principal.kind === 'session') return this.#world.sessions.find(principal.sessionId) === principal
    return principal !== EVERYBODY || this.#isOpen
  }

  /** Notes who would be refused if callers without credentials were. @param request as in AnonymousUse */
  noteRequest(principal: Principal, { address }: RequestSender, request: string): void {
    if (principal.kind !== 'anonymous') return
    this.#world.access.noteAnonymous(address, request, this.#world.clock.now())
  }

  /** Browsers send the cookie whoever asks, so what may change something must come from a page of ours. */
  #identifySession(request: IncomingMessage): SessionPrincipal {
    const sender = this.senders.find(request)
    if (!this.#options.insecureHttp && !sender.isPrivate) throw new CookieInTheClear()
    const principal = this.findSession(request)
    if (!principal) throw new SessionOver()
    if (!isReading(request) && !comesFromOwnPage(request.headers, sender.isEncrypted)) throw notFromPage()
    this.#noteSignIn(principal, sender)
    return principal
  }

  #noteSignIn(principal: TokenPrincipal | SessionPrincipal, { address }: RequestSender): void {
    const { access, clock } = this.#world
    // Not by the session: whoever signs in again and again would fill the digest.
    const key = `${findHolder(principal)} ${address}`
    access.digest.noteSignIn(key, () => makeCaller(principal, 'from', address).who, clock.elapsed())
  }

  get #isOpen(): boolean {
    return this.#options.anonymous === undefined && !this.#world.access.isEnforced
  }
}

const HOW_TO_SIGN_IN = 'Send one as "Authorization: Bearer TOKEN", or as the password of HTTP Basic'

/** For a caller without credentials, from an address that gives no role. */
function signIn({ isUnproven }: RequestSender): BackupdError {
  const why = isUnproven
    ? 'this request was forwarded without proof of where it came from (see --trusted-proxy), so it takes a token'
    : 'this controller does not answer you without a token'
  return new BackupdError('UNAUTHENTICATED', `Sign in: ${why}. ${HOW_TO_SIGN_IN}`)
}

/** For whoever was answered before. */
export function accessEnded(): BackupdError {
  const what =
    'Sign in again: the token was revoked, the session or token has expired, or callers without one are no longer answered'
  return new BackupdError('UNAUTHENTICATED', what)
}

const IN_THE_CLEAR =
  'Credentials are refused over plain HTTP from another machine, because others may read them. Ask through TLS (a --trusted-proxy must say X-Forwarded-Proto: https) or on the machine itself, or start the controller with --insecure-http'

function inTheClear(): BackupdError {
  return new BackupdError('TLS_REQUIRED', IN_THE_CLEAR)
}

function notFromPage(): BackupdError {
  const what =
    'With the cookie of a session, requests that may change something must come from a page of this controller, with Origin or Sec-Fetch-Site: same-origin. Programs send a token'
  return new BackupdError('FORBIDDEN', what)
}

class WrongCode extends BackupdError {
  constructor() {
    super(
      'UNAUTHENTICATED',
      'The link does not count: it was used, is older than 10 minutes, or another was made since',
    )
  }
}

/** A cookie of a session that is not known, or no longer. */
class SessionOver extends BackupdError {
  constructor() {
    super('UNAUTHENTICATED', 'Sign in again: your session has ended')
  }
}

/** A cookie, whoever's, that others could have read on its way. */
class CookieInTheClear extends BackupdError {
  constructor() {
    super('TLS_REQUIRED', IN_THE_CLEAR)
  }
}

/** Whether a request was refused for a cookie that the browser had better forget. */
export function isOfCookie(error: unknown): boolean {
  return error instanceof SessionOver || error instanceof CookieInTheClear
}

/** Says nothing about which part is wrong. */
class WrongCredentials extends BackupdError {
  constructor(isUnreadable: boolean) {
    const what = isUnreadable
      ? 'The credentials are neither a bearer token nor a password with a token'
      : 'The token is not valid: it is misspelt, was revoked or has expired'
    super('UNAUTHENTICATED', what)
  }
}

/** What counts for the limit of wrong sign-ins. */
const WRONG = [WrongCredentials, WrongCode, SessionOver]
