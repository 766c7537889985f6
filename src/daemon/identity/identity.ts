// The identity of a daemon: a key and a certificate that the controller's authority gave it. From then on it talks to
// controllers of that authority alone, and of those that the controller names when it renews the certificate. daemon.ts opens it; without one, the daemon works over plain HTTP.

import { createPublicKey, X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificateRequest } from '../../lib/certificates/certificate-request.ts'
import { findIssuer, readFingerprint } from '../../lib/certificates/check-certificate.ts'
import { BACKDATED_MS } from '../../lib/certificates/issue-certificate.ts'
import { type Credentials, createKeyPem } from '../../lib/certificates/x509.ts'
import { type Clock, isoTime } from '../../lib/clock.ts'
import { BackupdError, hasCode, messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { noteSigners } from '../../store/signing-files.ts'
import {
  ENROL_PATH,
  type IssuedCertificate,
  type JoinToken,
  parseJoinToken,
  RENEW_PATH,
} from '../../wire/enrolment.ts'
import type { Signers } from '../../wire/manifest-signature.ts'
import { askForCertificate } from './ask-controller.ts'
import { connectToNamedController, connectToOwnController } from './controller-connector.ts'
import { readDaemonIdentity, type StoredIdentity, writeDaemonIdentity } from './identity-file.ts'
import { type PresentIdentity, refuseInternalAddress } from './present-identity.ts'

export interface IdentityOptions {
  dataDir: string
  ip: string
  /** What "backupd server invite" printed; undefined: it enrolled before, or never. */
  joinToken?: string | undefined
  clock: Clock
  log: Log
}

/** The identity of an enrolled daemon; it changes when its certificate is renewed. */
export class DaemonIdentity implements PresentIdentity {
  readonly #dataDir: string
  readonly #clock: Clock
  #stored: StoredIdentity
  #signsSince: string | undefined
  /** One write at a time. */
  #noting: Promise<unknown> = Promise.resolve()

  constructor(stored: StoredIdentity, { dataDir, clock }: IdentityOptions) {
    this.#dataDir = dataDir
    this.#clock = clock
    this.#stored = stored
  }

  get present(): Credentials {
    const { key, certificate, authority, authorities = [authority] } = this.#stored
    return { key, certificate, authorities }
  }

  /**
   * From now on, unix ms, unsigned backups of this daemon are refused, unless it signed before. It did not before it had its
   * certificate, whatever a clock says that is behind.
   */
  async startSigning(now: number): Promise<void> {
    const { ip, certificate } = this.#stored
    const { authorities } = this.present
    const certified = new X509Certificate(certificate).validFromDate.getTime() + BACKDATED_MS
    const since = { [ip]: isoTime(Math.max(now, certified)) }
    await this.noteSigners({ authorities: [...authorities], since })
  }

  /** ISO 8601; undefined until startSigning(). */
  get signsSince(): string | undefined {
    return this.#signsSince
  }

  /** Remembers whose signatures count, besides those that are known. Only an authenticated controller may say it. */
  noteSigners(signers: Signers): Promise<void> {
    const done = this.#noting.then(async () => {
      const { since } = await noteSigners(this.#dataDir, signers)
      this.#signsSince = since[this.#stored.ip]
    })
    this.#noting = done.catch(() => {})
    return done
  }

  /** Fingerprints of the authorities whose controllers it trusts. */
  get trusted(): string[] {
    return this.present.authorities.map((pem) => readFingerprint(new X509Certificate(pem)))
  }

  /** Unix ms. */
  now(): number {
    return this.#clock.now()
  }

  refuseAddress(address: string): string | undefined {
    if (address.startsWith('https:')) return refuseInternalAddress(address)
    return 'this daemon is enrolled, so it sends news to controllers of its authorities alone, through TLS'
  }

  /** Whether two thirds of the life of its certificate have passed, or it was made with a clock that was ahead. */
  isRenewalDue(): boolean {
    const { validFromDate, validToDate } = new X509Certificate(this.#stored.certificate)
    const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
    return this.now() < from || this.now() > from + ((to - from) * 2) / 3
  }

  /**
   * Gets a new certificate for the same key, and the authorities of the controller, which take the place of those that it
   * knows. Throws the controller's refusal, or CONTROLLER_UNREACHABLE.
   * @param others where the controller may be if it moved since the daemon enrolled; the first that answers is kept
   */
  async renew(others: readonly string[]): Promise<void> {
    const body = {
      request: await createCertificateRequest(this.#stored.key),
      severalAuthorities: true,
    }
    const [first = '', ...more] = new Set([this.#stored.url, ...others])
    const { url, issued } = await this.#askAny(first, more, body)
    // A controller of an earlier version has the one authority that it had.
    const { authorities = this.present.authorities } = issued
    checkIssued(issued, { authorities, key: this.#stored.key })
    this.#refuseWorseDates(issued)
    const authority = authorities[0] ?? this.#stored.authority
    const renewed = {
      ...this.#stored,
      certificate: issued.certificate,
      url,
      authority,
      authorities: [...authorities],
    }
    // Before anything is signed with the new certificate.
    await this.noteSigners({ authorities: [...authorities], since: {} })
    await writeDaemonIdentity(this.#dataDir, 'enrolled', renewed)
    this.#stored = renewed
  }

  /** The clock of the controller may be wrong, and what it certifies then would be refused once it is right. */
  #refuseWorseDates({ certificate }: IssuedCertificate): void {
    const issued = new X509Certificate(certificate)
    if (
      isValidAt(issued, this.now()) ||
      !isValidAt(new X509Certificate(this.#stored.certificate), this.now())
    )
      return
    const dates = `from ${isoTime(issued.validFromDate.getTime())} to ${isoTime(issued.validToDate.getTime())}`
    throw new BackupdError(
      'CONFLICT',
      `The controller made a certificate that is valid ${dates}, and the clock here says ${isoTime(this.now())}: this daemon keeps the one that it has. Check both clocks`,
    )
  }

  async #askAny(
    url: string,
    [next, ...rest]: readonly string[],
    body: object,
  ): Promise<{ url: string; issued: IssuedCertificate }> {
    const connect = connectToOwnController(this.present, () => this.now())
    try {
      return { url, issued: await askForCertificate({ url, path: RENEW_PATH, body, connect }) }
    } catch (error) {
      if (next === undefined || !hasCode(error, 'CONTROLLER_UNREACHABLE')) throw error
      return await this.#askAny(next, rest, body)
    }
  }
}

/**
 * Opens the identity, after it enrolled if there is a join token that was not used before. undefined: the daemon was never
 * enrolled. An enrolled daemon goes on as it is if the token cannot be used. Throws FORBIDDEN or BAD_INPUT if the token cannot be used, CONTROLLER_UNREACHABLE if it can be tried again.
 */
export async function openDaemonIdentity(options: IdentityOptions): Promise<DaemonIdentity | undefined> {
  const { dataDir, ip, joinToken, log } = options
  const stored = await readDaemonIdentity(dataDir, 'enrolled')
  if (stored && stored.ip !== ip)
    throw new BackupdError(
      'BAD_INPUT',
      `The data directory ${dataDir} is that of ${stored.ip}, and --ip is ${ip}. Use another directory, or the right address`,
    )
  if (joinToken === undefined) return stored && new DaemonIdentity(stored, options)
  try {
    return await enrolWith(joinToken, stored, options)
  } catch (error) {
    if (!stored) throw error
    log.error({ err: error }, `This daemon goes on with its present certificate: ${messageOf(error)}`)
    return new DaemonIdentity(stored, options)
  }
}

async function enrolWith(
  joinToken: string,
  stored: StoredIdentity | undefined,
  options: IdentityOptions,
): Promise<DaemonIdentity> {
  const { ip, log } = options
  const token = parseJoinToken(joinToken)
  if (stored && token.id === stored.joinId) return new DaemonIdentity(stored, options)
  if (token.ip !== ip)
    throw new BackupdError('FORBIDDEN', `The join token is for ${token.ip}, and this daemon is ${ip}`)
  const enrolled = await enrol(token, options)
  log.info(
    { controller: token.url },
    `This daemon is enrolled at ${token.url}: it talks to this controller alone from now on`,
  )
  return new DaemonIdentity(enrolled, options)
}

/** The key is on disk before it is sent, so that a lost answer can be asked for again. */
async function enrol(token: JoinToken, { dataDir, clock }: IdentityOptions): Promise<StoredIdentity> {
  const { id, secret, ip, url } = token
  const begun = await readDaemonIdentity(dataDir, 'joining')
  const key = begun?.joinId === id ? begun.key : createKeyPem()
  const joining: StoredIdentity = { version: 1, joinId: id, ip, url, key, certificate: '', authority: '' }
  await writeDaemonIdentity(dataDir, 'joining', joining)
  const request = await createCertificateRequest(key)
  const body = { id, secret, ip, request, severalAuthorities: true }
  const connect = connectToNamedController(token.authority, () => clock.now())
  const issued: IssuedCertificate = await askForCertificate({ url, path: ENROL_PATH, body, connect })
  const { certificate, authority, authorities = [authority] } = issued
  checkNamed(authorities, token)
  checkIssued(issued, { authorities, key })
  const enrolled = { ...joining, certificate, authority: authorities[0] ?? authority, authorities }
  await writeDaemonIdentity(dataDir, 'enrolled', enrolled)
  await rm(join(dataDir, 'joining.json'), { force: true })
  return enrolled
}

/** What is used from now on must have the authority that the join token names. */
function checkNamed(authorities: readonly string[], token: JoinToken): void {
  const isNamed = authorities.some((pem) => readFingerprint(new X509Certificate(pem)) === token.authority)
  if (!isNamed) throw refuseAnswer()
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return now >= validFromDate.getTime() && now <= validToDate.getTime()
}

/** A certificate that nobody would accept must not take the place of one that works. */
function checkIssued(
  issued: IssuedCertificate,
  { authorities, key }: Pick<Credentials, 'authorities' | 'key'>,
): void {
  const certificate = new X509Certificate(issued.certificate)
  const known = authorities.map((pem) => new X509Certificate(pem))
  if (!findIssuer(certificate, known) || !certificate.publicKey.equals(createPublicKey(key)))
    throw refuseAnswer()
}

function refuseAnswer(): BackupdError {
  return new BackupdError(
    'FORBIDDEN',
    'The controller answered with a certificate of another authority, or for another key',
  )
}
