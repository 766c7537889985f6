import { parseExpire } from '../../../lib/durations.ts'
import { messageOf } from '../../../lib/errors.ts'
import type { Store } from '../../../store/store.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { RunContext } from '../../plugin.ts'

export interface VolumeRule {
  /** Absolute path of the volume. */
  source: string
  /** A series of snapshots, not its full backups. */
  isSeries: boolean
  /** As the inventory writes it: `30d`. */
  expire: string
}

/** One run of the expire job, with what it has done so far. */
export interface ExpireRun {
  store: Store
  context: RunContext
  /** How long others that have the increments locked are waited for. */
  lockWaitMs: number
  /** Source → unix ms of its oldest full backup; undefined where that takes a closer look. */
  oldest: Map<string, number> | undefined
  deleted: string[]
  deletedSnapshots: string[]
  /** Series as they stand now. */
  changed: BackupInfo[]
  bytesFreed?: number
  problems: string[]
}

/** Milliseconds, or what is wrong with it. */
export function msOf(expire: string): number | string {
  try {
    return parseExpire(expire)
  } catch (error) {
    return messageOf(error)
  }
}

/** In the record, where there is one, and in the log in any case. */
export function tell({ context, problems }: ExpireRun, problem: string): void {
  problems.push(problem)
  context.warn(problem)
  context.log('warn', problem)
}
