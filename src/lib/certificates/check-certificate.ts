import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { isoTime } from '../clock.ts'
import { BackupdError } from '../errors.ts'

/** Who is at the other end, as our authority says. The other end has proved in the handshake that it has the key. */
export interface CertifiedPeer {
  /** `urn:…` */
  uri: string
  keyHash: string
  /** Fingerprint of the authority that certified it. */
  authority: string
  /** Unix ms. */
  validFrom: number
  validTo: number
}

/** SHA-256 of a public key (SPKI, DER), hex. */
export function hashPublicKey(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex')
}

/** SHA-256 of a certificate, hex. */
export function readFingerprint({ raw }: X509Certificate): string {
  return createHash('sha256').update(raw).digest('hex')
}

/** The certificate of the other end; undefined if it showed none. */
export function readPeerCertificate(socket: TLSSocket): X509Certificate | undefined {
  return socket.getPeerX509Certificate()
}

/** The one of these authorities that signed the certificate itself; undefined: none. */
export function findIssuer(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
): X509Certificate | undefined {
  return authorities.find(
    (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
  )
}

/** Who the holder is; undefined if the certificate does not say it. */
export function readUri({ subjectAltName }: X509Certificate): string | undefined {
  return /^URI:(urn:[a-z0-9.:]+)(?:, |$)/.exec(subjectAltName ?? '')?.[1]
}

/** Throws FORBIDDEN unless one of the authorities itself signed the certificate. Its dates are checked by checkDates. */
export function checkCertificate(
  certificate: X509Certificate | undefined,
  authorities: readonly X509Certificate[],
): CertifiedPeer {
  if (!certificate) throw new BackupdError('FORBIDDEN', 'The other side showed no certificate')
  const authority = findIssuer(certificate, authorities)
  if (!authority)
    throw new BackupdError('FORBIDDEN', 'The certificate of the other side is of another authority')
  const uri = readUri(certificate)
  if (uri === undefined || certificate.ca)
    throw new BackupdError('FORBIDDEN', 'The certificate of the other side is not one of a program')
  const { publicKey, validFromDate, validToDate } = certificate
  return {
    uri,
    keyHash: hashPublicKey(publicKey.export({ type: 'spki', format: 'der' })),
    authority: readFingerprint(authority),
    validFrom: validFromDate.getTime(),
    validTo: validToDate.getTime(),
  }
}

/**
 * Throws FORBIDDEN if the certificate is not valid, with both times: a clock may be wrong.
 * @param times what the time may be, unix ms: the certificate must be valid at one of them
 */
export function checkDates({ validFrom, validTo }: CertifiedPeer, ...times: readonly number[]): void {
  if (times.some((time) => time >= validFrom && time <= validTo)) return
  const [now = 0] = times
  const what = now > validTo ? 'has expired' : 'is not valid yet'
  const message = `The certificate of the other side ${what}: it is valid from ${isoTime(validFrom)} to ${isoTime(validTo)}, and the clock here says ${isoTime(now)}. Check both clocks`
  throw new BackupdError('FORBIDDEN', message)
}
