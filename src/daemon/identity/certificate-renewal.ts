import { X509Certificate } from 'node:crypto'
import { type Clock, isoTime } from '../../lib/clock.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import { MINUTE_MS } from '../../lib/time-units.ts'
import type { Signers } from '../../wire/manifest-signature.ts'
import type { DaemonIdentity } from './identity.ts'

const CHECK_MS = MINUTE_MS
const RETRY_MS = 10 * MINUTE_MS
const PROBLEM = ['identity', 'renewal'] as const

export interface RenewalOptions {
  clock: Clock
  log: Log
  problems: Problems
  /** Notify addresses: where else the controller may be. */
  addresses(): readonly string[]
  /** Called when there is a new certificate. */
  onRenewed(): void
}

/** Renews the certificate after two thirds of its life; tries again every ten minutes. Dispose of it to stop. */
export class CertificateRenewal implements Disposable {
  readonly #identity: DaemonIdentity
  readonly #options: RenewalOptions
  #timer: Disposable
  #isRenewing = false
  #wasDue = false
  /** By elapsed(). */
  #triedAt = Number.NEGATIVE_INFINITY

  constructor(identity: DaemonIdentity, options: RenewalOptions) {
    this.#identity = identity
    this.#options = options
    this.#timer = options.clock.after(0, () => this.#turn())
  }

  /** Fingerprints of the authorities whose controllers are trusted. */
  get trusted(): string[] {
    return this.#identity.trusted
  }

  get signsSince(): string | undefined {
    return this.#identity.signsSince
  }

  noteSigners(signers: Signers): Promise<void> {
    return this.#identity.noteSigners(signers)
  }

  /** Renews the certificate whatever its age, unless it is being renewed already. Never rejects. */
  async renewNow(): Promise<void> {
    if (this.#isRenewing) return
    this.#isRenewing = true
    this.#triedAt = this.#options.clock.elapsed()
    await renew(this.#identity, this.#options)
    this.#isRenewing = false
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]()
  }

  #turn(): void {
    const { clock, problems } = this.#options
    this.#timer = clock.after(CHECK_MS, () => this.#turn())
    const isDue = this.#identity.isRenewalDue()
    // The clock was wrong, and is right again.
    if (this.#wasDue && !isDue) problems.clear(...PROBLEM)
    this.#wasDue = isDue
    if (isDue && clock.elapsed() - this.#triedAt >= RETRY_MS) void this.renewNow()
  }
}

async function renew(
  identity: DaemonIdentity,
  { log, problems, addresses, onRenewed }: RenewalOptions,
): Promise<void> {
  try {
    await identity.renew(addresses().map((address) => new URL(address).origin))
    onRenewed()
    problems.clear(...PROBLEM)
    log.info({}, 'The certificate of this daemon was renewed')
  } catch (error) {
    const { validToDate } = new X509Certificate(identity.present.certificate)
    const text = `Cannot renew the certificate of this daemon, which expires at ${isoTime(validToDate.getTime())}: ${messageOf(error)}. It is tried again every ten minutes`
    if (!problems.has(...PROBLEM)) log.warn({ err: error }, text)
    problems.report({ source: PROBLEM[0], key: PROBLEM[1], text })
  }
}
