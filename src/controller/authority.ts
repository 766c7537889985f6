import { createPublicKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { AuthorityPort } from '../domain/enrolment-ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { readCertificateRequest } from '../lib/certificates/certificate-request.ts'
import { readFingerprint } from '../lib/certificates/check-certificate.ts'
import { createAuthority, issueCertificate } from '../lib/certificates/issue-certificate.ts'
import { type CertifiedPair, createKeyPem } from '../lib/certificates/x509.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { CONTROLLER_URI, type IssuedCertificate, makeServerUri } from '../wire/enrolment.ts'
import { parseJson } from '../wire/json.ts'

/** In `<data>`, readable by the controller's user only, and never in copies of the catalog. */
export const AUTHORITY_FILE = 'authority.json'

const pairSchema = z.object({ key: z.string(), certificate: z.string() })
const fileSchema = z.object({ version: z.literal(1), authority: pairSchema, controller: pairSchema })
type AuthorityContent = z.infer<typeof fileSchema>

/** The private authority of this controller, and the controller's own certificate. */
export class Authority implements AuthorityPort {
  /** Set when the controller listens for daemons. */
  url: string | undefined
  readonly fingerprint: string
  readonly certificate: X509Certificate
  readonly #file: string
  #content: AuthorityContent

  constructor(file: string, content: AuthorityContent) {
    this.#file = file
    this.#content = content
    this.certificate = new X509Certificate(content.authority.certificate)
    this.fingerprint = readFingerprint(this.certificate)
  }

  /** The controller's own. */
  get own(): CertifiedPair {
    return this.#content.controller
  }

  get pem(): string {
    return this.#content.authority.certificate
  }

  readRequest(request: string): Promise<Buffer> {
    return readCertificateRequest(request)
  }

  async issue({ ip, publicKey }: { ip: string; publicKey: Buffer }, now: number): Promise<IssuedCertificate> {
    const subject = { uri: makeServerUri(ip), ip, publicKey }
    return { certificate: await issueCertificate(this.#content.authority, subject, now), authority: this.pem }
  }

  /** Renews the controller's own certificate after two thirds of its life. @returns whether it did */
  async renewIfDue(now: number): Promise<boolean> {
    if (!isRenewalDue(new X509Certificate(this.own.certificate), now)) return false
    const controller = await certifyController(this.#content.authority, now)
    this.#content = { ...this.#content, controller }
    await writeFileAtomically(this.#file, `${JSON.stringify(this.#content)}\n`)
    return true
  }
}

/** Whether two thirds of its life have passed, or it is not valid at all at this time, unix ms. */
function isRenewalDue({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
  return now < from || now > from + ((to - from) * 2) / 3
}

export async function hasAuthority(dataDir: string): Promise<boolean> {
  return (await readFileIfThere(join(dataDir, AUTHORITY_FILE))) !== undefined
}

/**
 * Opens the authority of a data directory. Throws BAD_INPUT if its file cannot be used.
 * @param createsAt unix ms: makes a new one if there is none; undefined: makes none
 */
export async function openAuthority(
  dataDir: string,
  createsAt: number | undefined,
): Promise<Authority | undefined> {
  const file = join(dataDir, AUTHORITY_FILE)
  const text = await readFileIfThere(file)
  // They hold keys.
  removeUnfinishedWrites(file)
  if (text !== undefined) return parseAuthority(file, text)
  if (createsAt === undefined) return undefined
  const authority = await createAuthority('backupd', createsAt)
  const controller = await certifyController(authority, createsAt)
  const content: AuthorityContent = { version: 1, authority, controller }
  await writeFileAtomically(file, `${JSON.stringify(content)}\n`)
  return new Authority(file, content)
}

async function certifyController(authority: CertifiedPair, now: number): Promise<CertifiedPair> {
  const key = createKeyPem()
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { key, certificate: await issueCertificate(authority, { uri: CONTROLLER_URI, publicKey }, now) }
}

function parseAuthority(file: string, text: string): Authority {
  try {
    return new Authority(file, parseJson(AUTHORITY_FILE, text, fileSchema))
  } catch (cause) {
    const message = `Cannot use the authority in ${file}: ${messageOf(cause)}. Restore the file from a copy; docs/security.md says what to do without one`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}
