import { X509Certificate } from 'node:crypto'
import { checkCertificate, checkDates, readFingerprint } from '../../lib/certificates/check-certificate.ts'
import { createTlsConnector, type TlsConnectorOptions } from '../../lib/certificates/tls-connector.ts'
import { BackupdError } from '../../lib/errors.ts'
import { CONTROLLER_URI } from '../../wire/enrolment.ts'
import type { PresentIdentity } from './present-identity.ts'

const CONNECT_MS = 10_000

interface ControllerWish {
  /** PEM. */
  authorities: readonly string[]
  now(): number
}

/** Throws FORBIDDEN unless the certificate is that of a controller of one of these authorities, and valid. */
export function checkController(
  certificate: X509Certificate | undefined,
  { authorities, now }: ControllerWish,
): void {
  const peer = checkCertificate(
    certificate,
    authorities.map((pem) => new X509Certificate(pem)),
  )
  if (peer.uri !== CONTROLLER_URI)
    throw new BackupdError('FORBIDDEN', 'The certificate of the other side is not that of a controller')
  checkDates(peer, now())
}

/** Connects to controllers of the daemon's authorities alone, with its certificate. */
export function connectToOwnController(
  { key, certificate, authorities }: PresentIdentity['present'],
  now: () => number,
  connect?: TlsConnectorOptions['connect'],
) {
  return createTlsConnector({
    own: () => ({ key, certificate }),
    timeoutMs: CONNECT_MS,
    check: (shown) => checkController(shown, { authorities, now }),
    ...(connect && { connect }),
  })
}

/** Connects to the controller that a join token names, by the fingerprint of its authority. */
export function connectToNamedController(fingerprint: string, now: () => number) {
  return createTlsConnector({
    timeoutMs: CONNECT_MS,
    check: (shown) => {
      const authority = shown?.issuerCertificate
      if (!authority || readFingerprint(authority) !== fingerprint)
        throw new BackupdError(
          'FORBIDDEN',
          'The controller there is not the one that gave out the join token, or has another authority since. If it is the right one, ask for another join token: backupd server invite',
        )
      checkController(shown, { authorities: [authority.toString()], now })
    },
  })
}
