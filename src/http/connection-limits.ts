import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import { plainIp } from '../lib/plain-ip.ts'

export interface ConnectionLimits {
  /** Open connections of one address. */
  perPeer: number
  /** The same for all addresses together. */
  total: number
}

export const CONNECTION_LIMITS: ConnectionLimits = { perPeer: 1000, total: 4000 }

/** At most twice as long. */
const MIN_RETRY_AFTER_SECONDS = 10

/** What to do about a refused connection. @returns seconds until it may be tried again; undefined: any */
export type OnRefusedConnection = (peer: string) => number | undefined

/**
 * Answers connections above the limits with 503, the reason and Retry-After, and closes them, WebSockets included.
 */
export function limitConnections(
  server: Server | SecureServer,
  limits: ConnectionLimits,
  onRefused: OnRefusedConnection = () => undefined,
): void {
  const peers = new Map<string, number>()
  let total = 0
  // Before Node's own listener, which would read the request.
  server.prependListener('connection', (socket: Socket) => {
    const peer = plainIp(socket.remoteAddress ?? '')
    const ofPeer = (peers.get(peer) ?? 0) + 1
    const reason = findExceededLimit(limits, { peer, ofPeer, total: total + 1 })
    peers.set(peer, ofPeer)
    total += 1
    socket.once('close', () => {
      total -= 1
      const left = (peers.get(peer) ?? 1) - 1
      if (left > 0) peers.set(peer, left)
      else peers.delete(peer)
    })
    if (reason !== undefined) refuseConnection(socket, reason, onRefused(peer) ?? chooseRetryAfter())
  })
}

function findExceededLimit(
  limits: ConnectionLimits,
  { peer, ofPeer, total }: { peer: string; ofPeer: number; total: number },
): string | undefined {
  if (ofPeer > limits.perPeer)
    return `Cannot open another connection from ${peer}: it has ${limits.perPeer} already. Close some, or start this program with a higher --max-sockets-per-peer`
  if (total > limits.total)
    return `Cannot open another connection: all ${limits.total} are taken. Try again later`
  return undefined
}

/** Whole seconds, at random, so that refused clients do not come back together. */
export function chooseRetryAfter(): number {
  return MIN_RETRY_AFTER_SECONDS + Math.floor(Math.random() * MIN_RETRY_AFTER_SECONDS)
}

function refuseConnection(socket: Socket, reason: string, retryAfterSeconds: number): void {
  const body = JSON.stringify(reason)
  const head = [
    'HTTP/1.1 503 Service Unavailable',
    'Connection: close',
    'Content-Type: application/json; charset=UTF-8',
    'x-backupd-error-code: TOO_COSTLY',
    `Retry-After: ${retryAfterSeconds}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.on('error', () => {})
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}
