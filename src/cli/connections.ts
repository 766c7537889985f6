import { CONNECTION_LIMITS } from '../http/connection-limits.ts'
import { BackupdError } from '../lib/errors.ts'

/** Flag, description and default, for every command that listens. */
export const MAX_SOCKETS_OPTION = [
  '--max-sockets-per-peer <n>',
  'open connections from one address, WebSockets included',
  String(CONNECTION_LIMITS.perPeer),
] as const

/** Parses the flag to the servers' limits. `total` grows with it, because a proxy may be the only peer. */
export function connectionsOf({ maxSocketsPerPeer: text }: { maxSocketsPerPeer: string }): {
  perPeer: number
  total: number
} {
  const perPeer = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (perPeer > 0) return { perPeer, total: Math.max(CONNECTION_LIMITS.total, perPeer) }
  throw new BackupdError(
    'BAD_INPUT',
    `--max-sockets-per-peer is "${text}": write a whole number from 1 to 999999`,
  )
}
