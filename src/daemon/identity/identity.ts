// The identity of a daemon: a key and a certificate that the controller's authority gave it. From then on it talks to
// controllers of that authority alone. daemon.ts opens it; without one, the daemon works over plain HTTP.

import { X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificateRequest } from '../../lib/certificates/certificate-request.ts'
import { createKeyPem } from '../../lib/certificates/x509.ts'
import type { Clock } from '../../lib/clock.ts'
import { BackupdError, hasCode, messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import {
  ENROL_PATH,
  type IssuedCertificate,
  type JoinToken,
  parseJoinToken,
  RENEW_PATH,
} from '../../wire/enrolment.ts'
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

  constructor(stored: StoredIdentity, { dataDir, clock }: IdentityOptions) {
    this.#dataDir = dataDir
    this.#clock = clock
    this.#stored = stored
  }

  get present(): StoredIdentity {
    return this.#stored
  }

  /** Unix ms. */
  now(): number {
    return this.#clock.now()
  }

  refuseAddress(address: string): string | undefined {
    if (address.startsWith('https:')) return refuseInternalAddress(address)
    return 'this daemon is enrolled, so it sends news to controllers of its authority alone, through TLS'
  }

  /** Whether two thirds of the life of its certificate have passed. */
  isRenewalDue(): boolean {
    const { validFromDate, validToDate } = new X509Certificate(this.#stored.certificate)
    const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
    return this.now() > from + ((to - from) * 2) / 3
  }

  /**
   * Gets a new certificate for the same key. Throws the controller's refusal, or CONTROLLER_UNREACHABLE.
   * @param others where the controller may be if it moved since the daemon enrolled; the first that answers is kept
   */
  async renew(others: readonly string[]): Promise<void> {
    const body = { request: await createCertificateRequest(this.#stored.key) }
    const [first = '', ...more] = new Set([this.#stored.url, ...others])
    const { url, issued } = await this.#askAny(first, more, body)
    const renewed = { ...this.#stored, ...issued, url, authority: this.#stored.authority }
    await writeDaemonIdentity(this.#dataDir, 'enrolled', renewed)
    this.#stored = renewed
  }

  async #askAny(
    url: string,
    [next, ...rest]: readonly string[],
    body: object,
  ): Promise<{ url: string; issued: IssuedCertificate }> {
    const connect = connectToOwnController(this.#stored, () => this.now())
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
  const body = { id, secret, ip, request: await createCertificateRequest(key) }
  const connect = connectToNamedController(token.authority, () => clock.now())
  const issued: IssuedCertificate = await askForCertificate({ url, path: ENROL_PATH, body, connect })
  checkIssued(issued, token)
  const enrolled = { ...joining, ...issued }
  await writeDaemonIdentity(dataDir, 'enrolled', enrolled)
  await rm(join(dataDir, 'joining.json'), { force: true })
  return enrolled
}

/** What is used from now on must be the authority that the join token names. */
function checkIssued({ certificate, authority }: IssuedCertificate, token: JoinToken): void {
  const own = new X509Certificate(authority)
  const isNamed = own.fingerprint256.replaceAll(':', '').toLowerCase() === token.authority
  if (isNamed && new X509Certificate(certificate).verify(own.publicKey)) return
  throw new BackupdError('FORBIDDEN', 'The controller answered with a certificate of another authority')
}
