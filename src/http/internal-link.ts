import { createPublicKey, X509Certificate } from 'node:crypto'
import { checkCertificate } from '../lib/certificates/check-certificate.ts'
import { createAuthority, issueCertificate } from '../lib/certificates/issue-certificate.ts'
import { type CertifiedPair, createKeyPem } from '../lib/certificates/x509.ts'
import { BackupdError } from '../lib/errors.ts'
import { CONTROLLER_URI, makeServerUri } from '../wire/enrolment.ts'

/** Where the daemon of standalone sends its news. No name server has this host: only the link knows the way. */
export const INTERNAL_URL = 'https://standalone.invalid'

/**
 * What controller and daemon of one process need to know each other on the ports of this machine, which all its users
 * reach. It lives in memory, and as long as the process: dates of its certificates do not count, so no clock can break it.
 */
export interface InternalLink {
  /** The server of the daemon. */
  readonly ip: string
  /** PEM. Its key is forgotten, so nobody else gets a certificate of it. */
  readonly authority: string
  readonly controller: CertifiedPair
  readonly daemon: CertifiedPair
  /** A time at which both certificates are valid, unix ms. */
  readonly madeAt: number
  /** Where the controller listens for news, on 127.0.0.1; undefined until it does. */
  controllerPort: number | undefined
}

export async function createInternalLink(ip: string, now: number): Promise<InternalLink> {
  const authority = await createAuthority('backupd standalone', now)
  const certify = async (uri: string): Promise<CertifiedPair> => {
    const key = createKeyPem()
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
    return { key, certificate: await issueCertificate(authority, { uri, publicKey }, now) }
  }
  const [controller, daemon] = [await certify(CONTROLLER_URI), await certify(makeServerUri(ip))]
  return { ip, authority: authority.certificate, controller, daemon, madeAt: now, controllerPort: undefined }
}

/** Throws FORBIDDEN unless the certificate is that of the daemon of the link. */
export function checkInternalDaemon(
  { ip, authority }: InternalLink,
  certificate: X509Certificate | undefined,
): void {
  const { uri } = checkCertificate(certificate, [new X509Certificate(authority)])
  if (uri === makeServerUri(ip)) return
  throw new BackupdError('FORBIDDEN', 'The certificate there is not that of the daemon of this process')
}
