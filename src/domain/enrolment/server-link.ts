import type { World } from '../world.ts'

/** The URL under which this daemon knows the controller. */
export function findUrlFor({ enrolments, ports, settings }: World, ip: string): string {
  if (settings.internal?.ip === ip) return settings.internal.url
  const isEnrolled = enrolments.kindOf(ip) !== 'none'
  return isEnrolled ? (ports.authority?.url ?? settings.advertise) : settings.advertise
}

/** How the controller talks to the daemon of a server. */
export type ServerLink = 'TLS' | 'IN_PROCESS' | 'PLAIN_HTTP' | 'REFUSED'

export function findLink(world: World, ip: string): ServerLink {
  if (world.settings.internal?.ip === ip) return 'IN_PROCESS'
  if (world.enrolments.kindOf(ip) === 'enrolled') return 'TLS'
  return refusePlain(world, ip) === undefined ? 'PLAIN_HTTP' : 'REFUSED'
}

/** Why the controller must not use plain HTTP with this server; undefined: it may. */
export function refusePlain({ enrolments, settings }: World, ip: string): string | undefined {
  if (settings.internal?.ip === ip) return 'Its daemon runs in this process, so plain HTTP is refused'
  const kind = enrolments.kindOf(ip)
  if (kind === 'revoked')
    return `The certificate of its daemon was revoked. Invite it again: backupd server invite ${ip}`
  if (kind === 'enrolled') return 'Its daemon is enrolled, so plain HTTP is refused'
  if (!enrolments.isUsed || settings.isLegacyPeer?.(ip)) return undefined
  if (enrolments.isListLost)
    return 'Daemons were enrolled here, and the list of them is lost. Restore it, or see docs/security.md'
  return `Its daemon has no certificate, and other daemons have: invite it with "backupd server invite ${ip}", or start the controller with --legacy-peer ${ip}`
}
