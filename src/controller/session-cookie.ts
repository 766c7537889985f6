import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'

/** Browsers take it from TLS only, and for this host alone. */
const SECURE_NAME = '__Host-backupd-session'
const PLAIN_NAME = 'backupd-session'

/** What the cookies of sessions hold: several if others were planted, for another path or domain. */
export function readSessionCookies(headers: IncomingHttpHeaders, isEncrypted: boolean): string[] {
  const begin = `${isEncrypted ? SECURE_NAME : PLAIN_NAME}=`
  const parts = headers.cookie?.split(';') ?? []
  return parts
    .map((part) => part.trim())
    .filter((part) => part.startsWith(begin))
    .map((part) => part.slice(begin.length))
}

/** `Lax`, because `Strict` would lose the session when somebody follows a link to the controller. */
function printCookie(text: string, maxAgeSeconds: number, isEncrypted: boolean): string {
  const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`
  return `${isEncrypted ? SECURE_NAME : PLAIN_NAME}=${text}; ${attributes}${isEncrypted ? '; Secure' : ''}`
}

interface Sender {
  isEncrypted: boolean
}

/** Gives the browser its session. @param maxAgeMs until it ends */
export function sendSession(
  reply: FastifyReply,
  text: string,
  { isEncrypted, maxAgeMs }: Sender & { maxAgeMs: number },
) {
  reply.header('set-cookie', printCookie(text, Math.floor(maxAgeMs / 1000), isEncrypted))
}

/** Makes the browser forget its session. */
export function forgetSession(reply: FastifyReply, { isEncrypted }: Sender): void {
  reply.header('set-cookie', printCookie('', 0, isEncrypted))
}

/** Whether the request can change nothing. A WebSocket, which begins with GET, can. */
export function isReading({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined
}

/**
 * Whether a browser says that a page of this controller sent the request. The guard of browsers has already refused other
 * sites, but not programs and browsers that say nothing.
 */
export function comesFromOwnPage(headers: IncomingHttpHeaders, isEncrypted: boolean): boolean {
  const { origin } = headers
  if (origin !== undefined) return !isEncrypted || origin.startsWith('https://')
  return headers['sec-fetch-site'] === 'same-origin'
}
