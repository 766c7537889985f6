import { buildConnector } from 'undici'
import { INTERNAL_URL, type InternalLink } from '../../http/internal-link.ts'
import type { Credentials } from '../../lib/certificates/x509.ts'

/** What a daemon shows to controllers, and how it knows them. */
export interface PresentIdentity {
  readonly present: Credentials
  /** Unix ms: the time by which certificates are valid. */
  now(): number
  /** Why news must not go to an address; undefined: it may. */
  refuseAddress(address: string): string | undefined
  /** How connections to the controller are opened if its URL does not say it. */
  connect?(options: buildConnector.BuildOptions): buildConnector.connector
}

/** Why a daemon that is on its own must not send news to an address; undefined: it may. */
export function refuseInternalAddress(address: string): string | undefined {
  return isInternal(address) ? 'it is that of a controller in the same process' : undefined
}

function isInternal(address: string): boolean {
  return address.startsWith(`${INTERNAL_URL}/`)
}

/** The identity of a daemon whose controller runs in the same process. */
export function createInternalIdentity(link: InternalLink): PresentIdentity {
  return {
    present: { ...link.daemon, authorities: [link.authority] },
    now: () => link.madeAt,
    refuseAddress: (address) =>
      isInternal(address) ? undefined : 'this daemon sends news to the controller in its own process alone',
    connect: (options) => connectWithin(link, buildConnector(options)),
  }
}

function connectWithin(link: InternalLink, open: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const { controllerPort: port } = link
    if (port === undefined) return callback(new Error('the controller does not listen yet'), null)
    open({ ...options, hostname: '127.0.0.1', port: String(port) }, callback)
  }
}
