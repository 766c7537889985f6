import { sign, verify, X509Certificate } from 'node:crypto'
import { findIssuer, readUri } from '../lib/certificates/check-certificate.ts'
import type { CertifiedPair } from '../lib/certificates/x509.ts'
import { isoTime } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import type { Manifest } from '../wire/backup.ts'
import { parseServerUri } from '../wire/enrolment.ts'
import {
  type ManifestSignature,
  printSignedFields,
  SIGNATURE_VERSION,
  type Signers,
} from '../wire/manifest-signature.ts'
import type { PrintSigned } from './manifest.ts'

/** Signs the fields of a manifest that do not change any more. */
export function signManifest(manifest: Manifest, { key, certificate }: CertifiedPair): ManifestSignature {
  const value = sign('sha256', Buffer.from(printSignedFields(manifest)), key).toString('base64')
  return { version: SIGNATURE_VERSION, certificate, value }
}

/** What is known of a backup before it is judged. */
export interface SignedThing {
  namespace: string
  name: string
  /** ISO 8601. */
  created: string
  /** null without a manifest that can be read. */
  print: PrintSigned | null
  signature: ManifestSignature | undefined
}

/**
 * `signed`: it is as its daemon wrote it. `before`: from before that daemon signed. `unknown`: nobody said whether that daemon
 * signs. `unsigned`: the daemon signed by then. `altered`: the signature is not one of its daemon over this content.
 */
export type SignatureVerdict =
  | { state: 'signed' }
  | { state: 'before' | 'unsigned'; since: string }
  | { state: 'unknown' }
  | { state: 'altered'; why: string }

/** Dates of certificates do not count: the time of a signature is what its signer says, and a backup outlives them. */
export function judgeSignature(thing: SignedThing, signers: Signers): SignatureVerdict {
  const { namespace, signature, print } = thing
  if (signature && print !== null) {
    const why = findSignatureFlaw(signature, { namespace, print, authorities: signers.authorities })
    return why === undefined ? { state: 'signed' } : { state: 'altered', why }
  }
  const since = signers.since[namespace]
  if (since === undefined) return { state: 'unknown' }
  return { state: isMadeBefore(thing, since) ? 'before' : 'unsigned', since }
}

/** By the time in its name, too: whoever can write in the store can write any time into a manifest, but is asked for by the name. */
function isMadeBefore({ name, created }: SignedThing, since: string): boolean {
  const named = (parseBackupName(name)?.seconds ?? 0) * 1000
  const start = Math.floor(Date.parse(since) / 1000) * 1000
  return named < start && Date.parse(created) < start
}

function findSignatureFlaw(
  { version, certificate: pem, value }: ManifestSignature,
  {
    namespace,
    print,
    authorities,
  }: { namespace: string; print: PrintSigned; authorities: readonly string[] },
): string | undefined {
  if (version !== SIGNATURE_VERSION)
    return `its signature has the format ${version}, which this daemon does not know: upgrade it`
  try {
    const certificate = new X509Certificate(pem)
    const known = authorities.map((authority) => new X509Certificate(authority))
    if (!findIssuer(certificate, known))
      return `the certificate of its signature, made at ${isoTime(certificate.validFromDate.getTime())}, is of another authority`
    const signer = parseServerUri(readUri(certificate) ?? '')
    if (signer !== namespace) return `it was signed by ${signer ?? 'a controller'}`
    const isValid = verify(
      'sha256',
      Buffer.from(print()),
      certificate.publicKey,
      Buffer.from(value, 'base64'),
    )
    return isValid ? undefined : 'its manifest is not the one that was signed'
  } catch (error) {
    return `its signature cannot be read: ${messageOf(error)}`
  }
}
