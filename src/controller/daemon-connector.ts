import { refusePlain } from '../domain/enrolment/server-link.ts'
import { possibleTimes, type World } from '../domain/world.ts'
import type { DaemonHttpOptions } from '../fleet/daemon-http.ts'
import { checkInternalDaemon, type InternalLink } from '../http/internal-link.ts'
import { checkCertificate, checkDates, findIssuer } from '../lib/certificates/check-certificate.ts'
import { createTlsConnector } from '../lib/certificates/tls-connector.ts'
import { BackupdError } from '../lib/errors.ts'
import { parseServerUri } from '../wire/enrolment.ts'
import type { Authority } from './authority.ts'

const CONNECT_MS = 10_000

interface DaemonLinks {
  authority: Authority | undefined
  /** To the daemon in the same process. */
  link: InternalLink | undefined
}

/**
 * How to connect to the daemon of a server; undefined: over plain HTTP. Throws DAEMON_UNREACHABLE if neither is allowed: an
 * enrolled daemon is never asked in another way.
 */
export function findDaemonConnector(
  world: World,
  { authority, link }: DaemonLinks,
  ip: string,
): ReturnType<NonNullable<DaemonHttpOptions['connectorTo']>> {
  if (link?.ip === ip) return connectWithin(link)
  const known = world.enrolments.get(ip)
  if (!known || known.keyHash === null) {
    const refusal = refusePlain(world, ip)
    if (refusal === undefined) return undefined
    throw refuseConnection(ip, refusal)
  }
  if (!authority)
    throw refuseConnection(
      ip,
      'It is enrolled, and the authority of this controller is missing: docs/security.md',
    )
  return createTlsConnector({
    own: () => authority.own,
    timeoutMs: CONNECT_MS,
    check: (certificate) => {
      // The certificate itself decides, and not what is noted of it: that may come from an older copy.
      if (certificate && !findIssuer(certificate, authority.certificates)) throw refuseOtherAuthority(ip)
      const peer = checkCertificate(certificate, authority.certificates)
      if (parseServerUri(peer.uri) !== ip || !world.enrolments.isCurrent(ip, peer.keyHash))
        throw new BackupdError('FORBIDDEN', `The certificate there is not that of ${ip}`)
      checkDates(peer, ...possibleTimes(world))
    },
  })
}

function connectWithin(link: InternalLink) {
  return createTlsConnector({
    own: () => link.controller,
    timeoutMs: CONNECT_MS,
    check: (certificate) => checkInternalDaemon(link, certificate),
  })
}

function refuseConnection(ip: string, reason: string): BackupdError {
  return new BackupdError('DAEMON_UNREACHABLE', `Cannot reach the daemon on ${ip}: ${reason}`, {
    facts: { server: ip },
  })
}

function refuseOtherAuthority(ip: string): BackupdError {
  const what = 'Its certificate is of an authority that was lost or retired, or was never ours'
  const remedy = `Invite it again: backupd server invite ${ip} --replace. If authority.json was lost, restoring it helps, too`
  return refuseConnection(ip, `${what}. ${remedy}`)
}
