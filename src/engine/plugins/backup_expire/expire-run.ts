import { parseExpire } from '../../../lib/durations.ts'
import { messageOf } from '../../../lib/errors.ts'
import type { Store } from '../../../store/store.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { RunContext } from '../../plugin.ts'

export interface VolumeRule {
  /** Absolute path of the volume. */
  source: string
  /** The rule is for the series of snapshots, not for the full backups. */
  isSeries: boolean
  /** As the inventory writes it: `30d`. */
  expire: string
}

/** One run of the expire job, with what it has done so far. */
export interface ExpireRun {
  store: Store
  context: RunContext
  /** How long to wait for others that have locked the repository, ms. */
  lockWaitMs: number
  /** Source → unix ms of its oldest full backup; undefined if the store cannot know without listing the backups. */
  oldest: Map<string, number> | undefined
  deleted: string[]
  deletedSnapshots: string[]
  /** The series as they are now. */
  changed: BackupInfo[]
  bytesFreed?: number
  problems: string[]
}

/** Returns milliseconds, or a text that says what is wrong. */
export function parseExpireMs(expire: string): number | string {
  try {
    return parseExpire(expire)
  } catch (error) {
    return messageOf(error)
  }
}

/** Adds a problem to the log and to the record, if there is one. */
export function reportProblem({ context, problems }: ExpireRun, problem: string): void {
  problems.push(problem)
  context.warn(problem)
  context.log('warn', problem)
}
