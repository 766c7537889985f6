import { messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import { MINUTE_MS } from '../../lib/time-units.ts'
import type { TrustedClock } from '../../lib/trusted-clock.ts'
import type { DaemonIdentity } from './identity.ts'

const RETRY_MS = MINUTE_MS
const PROBLEM = ['identity', 'signers'] as const

export interface SigningStartOptions {
  trustedClock: Pick<TrustedClock, 'possibleTimes' | 'after'>
  problems: Problems
  log: Log
  dataDir: string
}

/**
 * Notes since when this daemon signs and whose signatures count. A full or damaged data directory does not keep the daemon from
 * starting: that is a problem, and it is tried again each minute. Dispose of it to stop.
 */
export class SigningStart implements Disposable {
  readonly #identity: DaemonIdentity
  readonly #options: SigningStartOptions
  #timer: Disposable | undefined
  #isOver = false

  constructor(identity: DaemonIdentity, options: SigningStartOptions) {
    this.#identity = identity
    this.#options = options
  }

  /** Never rejects. */
  async begin(): Promise<void> {
    const { trustedClock, problems, log, dataDir } = this.#options
    try {
      // The later time: what was made before must not be refused because a clock was behind.
      await this.#identity.startSigning(Math.max(...trustedClock.possibleTimes))
      if (problems.clear(...PROBLEM)) log.info({}, 'It is noted whose signatures of backups count')
    } catch (error) {
      const text = `Cannot note in ${dataDir} whose signatures of backups count: ${messageOf(error)}. Until then full backups that should be signed may be refused. Make room there; restore a damaged signers.json from a copy, or move it away: the controller sends with each recover what it knows. It is tried again every minute`
      if (!problems.has(...PROBLEM)) log.error({ err: error }, text)
      problems.report({ source: PROBLEM[0], key: PROBLEM[1], text })
      if (!this.#isOver) this.#timer = trustedClock.after(RETRY_MS, () => void this.begin())
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
  }
}
