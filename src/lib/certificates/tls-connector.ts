import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import { readPeerCertificate } from './check-certificate.ts'
import type { CertifiedPair } from './x509.ts'

export interface TlsConnectorOptions {
  /** Shown to the other side, as it is when a connection is made: certificates are renewed. If left out: none. */
  own?: () => CertifiedPair
  /** Throws if the other side is not the wanted one; nothing is sent to it then. */
  check(certificate: X509Certificate | undefined): void
  timeoutMs: number
  /** The address that the connection comes from, if this machine has it. */
  connect?: (build: buildConnector.BuildOptions) => buildConnector.connector
}

/**
 * Opens connections to programs with a certificate of a private authority. `check` decides, and not Node: so dates are
 * compared with our own clock, and a refusal says why. The handshake proves that the other side has the key.
 */
export function createTlsConnector({
  own,
  check,
  timeoutMs,
  connect = buildConnector,
}: TlsConnectorOptions): buildConnector.connector {
  const open = (pair: CertifiedPair | undefined) =>
    connect({
      ...(pair && { key: pair.key, cert: pair.certificate }),
      ...{ rejectUnauthorized: false, minVersion: 'TLSv1.3', allowH2: false },
      ...{ maxCachedSessions: 0, timeout: timeoutMs },
    })
  return (options, callback) =>
    open(own?.())(options, (...answer) => {
      const [error, socket] = answer
      if (error || !socket) return callback(...answer)
      try {
        check(readPeerCertificate(socket as TLSSocket))
      } catch (refusal) {
        socket.destroy()
        return callback(refusal as Error, null)
      }
      return callback(...answer)
    })
}
