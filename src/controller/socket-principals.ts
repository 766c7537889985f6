import type { Extra } from 'graphql-ws/use/ws'
import type { WebSocket } from 'ws'
import type { Principal } from '../domain/access/principal.ts'
import { accessEnded, type Callers } from './callers.ts'

/** How often the tokens of open sockets are checked. */
const CHECK_MS = 1000
/** A client that does not answer the close frame is cut off after this. */
const CLOSE_MS = 2000
const UNAUTHORIZED = 4401
/** Bytes that the reason of a close frame may have. */
const MAX_REASON = 123

/** Who asks on each socket. One whose token has ended is closed within a second or two, and answered nothing before. */
export class SocketPrincipals {
  readonly #callers: Callers
  readonly #onEnded: (socket: WebSocket) => void
  readonly #known = new Map<WebSocket, Principal>()
  readonly #timer: NodeJS.Timeout

  constructor(callers: Callers, onEnded: (socket: WebSocket) => void) {
    this.#callers = callers
    this.#onEnded = onEnded
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    this.#timer.unref()
  }

  /**
   * Finds out who asks: by the `authorization` of connection_init, which browsers can send, or by the header. Throws
   * UNAUTHENTICATED or TLS_REQUIRED.
   */
  admit({ socket, request }: Extra, params: Readonly<Record<string, unknown>> | undefined): void {
    const principal = this.#callers.admit(request, readAuthorization(params))
    this.#known.set(socket, principal)
    this.#callers.noteRequest(principal, this.#callers.senders.find(request), 'WebSocket /graphql')
  }

  /** Who asks, if the principal may still ask. */
  find(socket: WebSocket): Principal | undefined {
    const principal = this.#known.get(socket)
    return principal && this.#callers.isCurrent(principal) ? principal : undefined
  }

  forget(socket: WebSocket): void {
    this.#known.delete(socket)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    for (const [socket, principal] of this.#known) if (!this.#callers.isCurrent(principal)) this.#end(socket)
  }

  #end(socket: WebSocket): void {
    this.forget(socket)
    socket.close(UNAUTHORIZED, cutReason(accessEnded().message))
    this.#onEnded(socket)
    setTimeout(() => socket.terminate(), CLOSE_MS).unref()
  }
}

/** As it stands in a header; undefined if there is none. Whatever else is sent is not valid. */
function readAuthorization(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const sent = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1]
  if (sent === undefined || sent === null) return undefined
  return typeof sent === 'string' ? sent : ''
}

/** A reason that fits into a close frame. */
export function cutReason(text: string): string {
  return Buffer.from(text)
    .subarray(0, MAX_REASON)
    .toString()
    .replace(/\uFFFD$/, '')
}
