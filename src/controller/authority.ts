import { createPublicKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { AuthorityPort, IssueRequest, KnownAuthority } from '../domain/enrolment-ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { readCertificateRequest } from '../lib/certificates/certificate-request.ts'
import { readFingerprint } from '../lib/certificates/check-certificate.ts'
import {
  BACKDATED_MS,
  CERTIFICATE_LIFE_MS,
  createAuthority,
  issueCertificate,
} from '../lib/certificates/issue-certificate.ts'
import { type CertifiedPair, type Credentials, createKeyPem } from '../lib/certificates/x509.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { HOUR_MS } from '../lib/time-units.ts'
import { CONTROLLER_URI, makeServerUri } from '../wire/enrolment.ts'
import { parseJson } from '../wire/json.ts'
import { MAX_SIGNERS } from '../wire/manifest-signature.ts'

/** In `<data>`, readable by the controller's user only, and never in copies of the catalog. */
export const AUTHORITY_FILE = 'authority.json'

const pairSchema = z.object({ key: z.string(), certificate: z.string() })
const stableSchema = z.object({
  version: z.literal(1),
  authority: pairSchema,
  controller: pairSchema,
  retired: z.array(z.string()).optional(),
})
/** During a rotation. Earlier versions refuse it, because they would forget the next authority. */
const rotatingSchema = stableSchema.extend({ version: z.literal(2), next: pairSchema })
const fileSchema = z.discriminatedUnion('version', [stableSchema, rotatingSchema])

interface AuthorityContent {
  authority: CertifiedPair
  /** The controller's own, of `authority`: all daemons know that one until it is retired. */
  controller: CertifiedPair
  /** Signs the certificates of daemons that know it; undefined: no rotation is under way. */
  next?: CertifiedPair | undefined
  /** PEM, oldest first: their certificates count no more, except for what was signed in backups. */
  retired?: readonly string[] | undefined
}

/** The private authority of this controller, the next one during a rotation, and the controller's own certificate. */
export class Authority implements AuthorityPort {
  /** Set when the controller listens for daemons. */
  url: string | undefined
  readonly #file: string
  readonly #listeners: (() => void)[] = []
  #content: AuthorityContent
  #certificates: readonly X509Certificate[]
  #known: readonly KnownAuthority[]

  constructor(file: string, content: AuthorityContent) {
    this.#file = file
    this.#content = content
    this.#certificates = parseCertificates(content)
    this.#known = this.#certificates.map(describeCertificate)
  }

  /** Of the authorities whose certificates count, the oldest first. */
  get certificates(): readonly X509Certificate[] {
    return this.#certificates
  }

  get known(): readonly KnownAuthority[] {
    return this.#known
  }

  get signing(): readonly string[] {
    return [...(this.#content.retired ?? []), ...this.#pems].slice(-MAX_SIGNERS)
  }

  get fingerprint(): string {
    return this.#known[0]?.fingerprint ?? ''
  }

  has(fingerprint: string): boolean {
    return this.#known.some((authority) => authority.fingerprint === fingerprint)
  }

  /** The controller's own. */
  get own(): Credentials {
    return { ...this.#content.controller, authorities: this.#pems }
  }

  /** Calls `act` when the controller's own certificate, or what it accepts, has changed. */
  onChange(act: () => void): void {
    this.#listeners.push(act)
  }

  readRequest(request: string): Promise<Buffer> {
    return readCertificateRequest(request)
  }

  async issue({ ip, publicKey, knowsSeveral }: IssueRequest, now: number) {
    const { authority, next } = this.#content
    const signer = (knowsSeveral && next) || authority
    const certificate = await issueCertificate(signer, { uri: makeServerUri(ip), ip, publicKey }, now)
    return {
      issued: { certificate, authority: authority.certificate, authorities: this.#pems },
      authority: readFingerprint(new X509Certificate(signer.certificate)),
    }
  }

  /**
   * Renews the controller's own certificate after two thirds of its life, or if it is not valid.
   * @param times what the time may be, unix ms; with two, the certificate is good at both: daemons accept it, whichever is right
   * @returns whether it was not valid, so that open connections which show it are of no use
   */
  async renewIfDue(times: readonly number[]): Promise<boolean> {
    const certificate = new X509Certificate(this.#content.controller.certificate)
    if (!times.every(isCertifiable) || !isRenewalDue(certificate, times)) return false
    const controller = await certifyController(this.#content.authority, ...times)
    await this.#use({ ...this.#content, controller })
    return !isValidAt(certificate, times)
  }

  async rotate(now: number): Promise<void> {
    await this.#use({ ...this.#content, next: await createAuthority('backupd', now) })
  }

  async retire(now: number): Promise<void> {
    const { next } = this.#content
    if (!next) throw new BackupdError('CONFLICT', 'No rotation of the authority is under way')
    const { authority, retired = [] } = this.#content
    const kept = [...retired, authority.certificate].slice(-MAX_SIGNERS)
    await this.#use({ authority: next, controller: await certifyController(next, now), retired: kept })
  }

  get #pems(): string[] {
    const { authority, next } = this.#content
    return [authority, ...(next ? [next] : [])].map(({ certificate }) => certificate)
  }

  /** On disk before anybody sees it. */
  async #use(content: AuthorityContent): Promise<void> {
    await writeFileAtomically(this.#file, printAuthority(content))
    this.#content = content
    this.#certificates = parseCertificates(content)
    this.#known = this.#certificates.map(describeCertificate)
    for (const listener of this.#listeners) listener()
  }
}

function parseCertificates({ authority, next }: AuthorityContent): X509Certificate[] {
  return [authority, ...(next ? [next] : [])].map(({ certificate }) => new X509Certificate(certificate))
}

function describeCertificate(certificate: X509Certificate): KnownAuthority {
  return {
    fingerprint: readFingerprint(certificate),
    createdAt: certificate.validFromDate.getTime() + BACKDATED_MS,
    expiresAt: certificate.validToDate.getTime(),
  }
}

function printAuthority({ next, ...stable }: AuthorityContent): string {
  const content = next ? { version: 2, ...stable, next } : { version: 1, ...stable }
  return `${JSON.stringify(content)}\n`
}

/** Longer than any certificate that was made with a clock that is not in doubt. */
const LONGEST_LIFE_MS = CERTIFICATE_LIFE_MS + BACKDATED_MS + HOUR_MS
const LAST_MS = Date.parse('2300-01-01T00:00:00Z')

/** Whether a certificate can have this time. */
function isCertifiable(ms: number): boolean {
  return ms > 0 && ms < LAST_MS
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, times: readonly number[]): boolean {
  return times.every((time) => time >= validFromDate.getTime() && time <= validToDate.getTime())
}

/** With one time: two thirds of its life have passed, or it is not valid, or was made in doubt. With two: it is not valid at both. */
function isRenewalDue(certificate: X509Certificate, times: readonly number[]): boolean {
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  const [now = 0, ...others] = times
  if (!isValidAt(certificate, times)) return true
  return others.length === 0 && (now > from + ((to - from) * 2) / 3 || to - from > LONGEST_LIFE_MS)
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
  const content: AuthorityContent = { authority, controller }
  await writeFileAtomically(file, printAuthority(content))
  return new Authority(file, content)
}

async function certifyController(
  authority: CertifiedPair,
  ...times: readonly number[]
): Promise<CertifiedPair> {
  const key = createKeyPem()
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { key, certificate: await issueCertificate(authority, { uri: CONTROLLER_URI, publicKey }, ...times) }
}

function parseAuthority(file: string, text: string): Authority {
  try {
    return new Authority(file, parseJson(AUTHORITY_FILE, text, fileSchema))
  } catch (cause) {
    const message = `Cannot use the authority in ${file}: ${messageOf(cause)}. Restore the file from a copy; docs/security.md says what to do without one`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}
