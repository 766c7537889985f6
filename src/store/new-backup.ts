// How a run makes a backup: it hands a BackupTask to Store.startBackup(), and gets a NewBackup, whatever
// the kind. What the run decides (hooks, consistency, what its record says) it answers through the task's functions.

import type { Clock } from '../lib/clock.ts'
import type { Steps } from '../lib/steps.ts'
import type { HeldVolume } from '../volume/held-volume.ts'
import type { TreeWarning } from '../volume/tree/entry.ts'
import type { ChangedFiles } from '../volume/tree/recheck/changed-files.ts'
import type { BackupInfo, ChangedWhileRead, MadeInDoubt } from '../wire/backup.ts'
import type { BackupArgs, JobOptions } from '../wire/job.ts'
import type { Progress, RunResult } from '../wire/record.ts'

/** A backup that is to be made. Its errors name the step. */
export interface BackupTask extends Steps {
  args: BackupArgs
  volume: HeldVolume
  run: BackupRun
  warnings: BackupWarnings
  /**
   * Lists why the backup is partial; empty if it is not. Called once the volume has been read, before anything is
   * published, so that warnings added by it are stored with the backup.
   */
  listReasons(seen: SeenVolume, suspect: string | null): Promise<string[]>
}

/** What a backup has to know of the run that makes it. */
export interface BackupRun {
  rid: string
  jobId: string
  settings: { ip: string; dataDir: string; version: string }
  options: Pick<JobOptions, 'reread' | 'rereadEveryDays'>
  clock: Clock
  signal: AbortSignal
  log(level: 'info', message: string): void
  /** Called often. */
  progress(change: Partial<Progress>): void
  /** For warnings that belong to the run only, and are not stored with the backup. */
  warn(message: string): void
  isRunning(rid: string): Promise<boolean>
}

/** The warnings that are stored with the backup: the first of them, and their total number. */
export interface BackupWarnings {
  readonly kept: string[]
  readonly count: number
  addVolumeWarning(warning: TreeWarning): void
}

/** What reading the volume showed. */
export interface SeenVolume {
  /** Number of warnings that make the backup partial. */
  faults: number
  /** What this machine cannot keep, in words. */
  notKept: string[]
  changedWhileRead: ChangedFiles
}

/** A backup under way. Disposing of it releases what it locked, and removes what it wrote unless it was published. */
export interface NewBackup extends AsyncDisposable {
  /** As in the store: of an archive, or of a series of snapshots. */
  readonly name: string
  /** Reads the volume and publishes the backup. All or nothing; call it once. */
  make(clockDoubt: MadeInDoubt | undefined): Promise<MadeBackup>
}

export interface MadeBackup {
  info: BackupInfo
  /** What `listReasons` returned. */
  reasons: string[]
  changedWhileRead: ChangedWhileRead
  /** An earlier archive that is kept from now on, because this backup is unusual. */
  held?: BackupInfo
  /** Of a snapshot: its id, and what it changed; empty for an archive. */
  counts: Pick<
    RunResult,
    'snapshot' | 'filesNew' | 'filesChanged' | 'filesUnchanged' | 'filesDeleted' | 'bytesRead' | 'bytesAdded'
  >
}
