import { DAY_MS, HOUR_MS } from '../time-units.ts'
import { type CertifiedPair, createKeyPem, importKeyPair, loadX509, SIGNATURE } from './x509.ts'

/** Clocks may differ by this much before a new certificate counts as not yet valid. */
export const BACKDATED_MS = 48 * HOUR_MS
export const CERTIFICATE_LIFE_MS = 90 * DAY_MS
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS

/** What an authority says of the holder of a key. */
export interface CertifiedSubject {
  /** `urn:…`: who it is. Nothing that the holder wrote gets into a certificate. */
  uri: string
  ip?: string
  /** SPKI, DER. */
  publicKey: ArrayBuffer | Buffer
}

/** A private authority: a new key, and its own certificate. */
export async function createAuthority(name: string, now: number): Promise<CertifiedPair> {
  const x509 = await loadX509()
  const key = createKeyPem()
  const keys = await importKeyPair(key)
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: `CN=${name}`, keys, signingAlgorithm: SIGNATURE },
    ...{ notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + AUTHORITY_LIFE_MS) },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key, certificate: certificate.toString('pem') }
}

/**
 * A certificate for 90 days, as PEM. Each program is a client and a server of TLS; `uri` tells which one it is.
 * @param times what the time may be, unix ms: the certificate is good for 90 days after each of them
 */
export async function issueCertificate(
  authority: CertifiedPair,
  { uri, ip, publicKey }: CertifiedSubject,
  ...times: readonly number[]
): Promise<string> {
  const x509 = await loadX509()
  const notBefore = new Date(Math.min(...times) - BACKDATED_MS)
  const notAfter = new Date(Math.max(...times) + CERTIFICATE_LIFE_MS)
  const signer = await importKeyPair(authority.key)
  const open = new x509.PublicKey(new Uint8Array(publicKey))
  const names: { type: 'ip' | 'url'; value: string }[] = [{ type: 'url', value: uri }]
  if (ip !== undefined) names.push({ type: 'ip', value: ip })
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject: `CN=${uri}`, issuer: new x509.X509Certificate(authority.certificate).subject },
    ...{ notBefore, notAfter },
    ...{ publicKey: open, signingKey: signer.privateKey, signingAlgorithm: SIGNATURE },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  })
  return certificate.toString('pem')
}
