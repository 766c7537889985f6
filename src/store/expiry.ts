import { parseExpire } from '../lib/durations.ts'
import { messageOf } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { VolumeSource } from '../wire/legacy-source.ts'
import type { Progress } from '../wire/record.ts'
import type { StoreParts } from './store-parts.ts'

/** How long the backups of a volume are kept. */
export interface ExpireRule extends VolumeSource {
  /** As the inventory writes it: `30d`. */
  expire: string
}

/** What expiring has to know of the run that does it. */
export interface ExpireRun {
  settings: { ip: string; dataDir: string }
  signal: AbortSignal
  /** How long to wait for others that have locked the repository, ms. */
  lockWaitMs: number
  /** The trusted time, by which ages are measured; unix ms. */
  now(): number
  /** Called before the first effect. */
  announce(): Promise<void>
  progress(change: Partial<Progress>): void
  log(level: 'info' | 'warn', message: string, facts?: Record<string, unknown>): void
  /** Tells what expires later, as it should. */
  reportKept(what: string): void
  /** Reports why something did not expire. Expiring goes on with the rest. */
  reportProblem(problem: string): void
}

export interface Expired {
  /** Names of full backups. */
  deleted: string[]
  deletedSnapshots: string[]
  /** The series of the rules as they are now, if snapshots were deleted. */
  changed: BackupInfo[]
  /** Only if the increments were pruned. */
  bytesFreed?: number
}

/** One run that expires backups of the own namespace, with what it has deleted so far. */
export interface Expiry {
  store: StoreParts
  run: ExpireRun
  expired: Expired
}

/** Returns milliseconds; undefined after it reported what is wrong with the rule. */
export function readExpireMs({ source, expire }: ExpireRule, run: ExpireRun): number | undefined {
  try {
    return parseExpire(expire)
  } catch (error) {
    run.reportProblem(`${source}: ${messageOf(error)}`)
    return undefined
  }
}
