import type { TreeWarning } from '../../volume/tree/entry.ts'
import type { WalkOptions } from '../../volume/tree/looker.ts'
import type { ChangedFiles } from '../../volume/tree/recheck/changed-files.ts'
import type { SnapshotFacts, SnapshotFile } from '../nodes/snapshot-file.ts'
import type { Lock } from '../repository/held-lock.ts'
import type { Repository } from '../repository/repository.ts'
import type { SnapshotProgress } from './run-progress.ts'

export interface MakeSnapshotInput {
  repository: Repository
  /** The repository's, held for as long as this takes. */
  lock: Pick<Lock, 'signal' | 'assertHeld'>
  /** Absolute path of an existing directory. */
  volume: string
  /** Where that is on its server, as the snapshot names it; `volume` unless given. */
  sourcePath?: string
  /** What did not change since this one is not read again. */
  parent: { id: string; snapshot: SnapshotFile } | null
  /** All of it is read all the same. */
  reread?: boolean
  hostname: string
  /** The beginning of the run. */
  time: Date
  /**
   * Says what to write into the snapshot, when all else is on the disk and nothing names it yet. What it throws stops
   * the run without a snapshot.
   */
  describe(seen: SnapshotSeen): SnapshotWords | Promise<SnapshotWords>
  signal: AbortSignal
  /** As WalkOptions has it. */
  whyLeftOut?: WalkOptions['whyLeftOut']
  /** Called often: keep it cheap. */
  onProgress(progress: SnapshotProgress): void
  onWarning(warning: TreeWarning): void
  /** How many threads read and compress; one for each core by default. */
  workers?: number
}

export interface SnapshotWords {
  tags: string[]
  facts: SnapshotFacts | null
}

/** What a run has found and kept. */
export interface SnapshotSeen {
  /** The id of its tree, which starts at `/`. */
  tree: Buffer
  filesNew: number
  filesChanged: number
  filesUnchanged: number
  filesDeleted: number
  /** Everything in the volume, itself included. */
  entries: number
  files: number
  /** Content of all files. */
  bytes: number
  /** Content of the files that were read. */
  bytesRead: number
  /** What the packs take in the store that were written. */
  bytesAdded: number
  /** Warnings that make it partial. */
  faults: number
  /** `device` is `major:minor` of the file system the volume lies on. */
  root: { device: string; mountPoint: boolean }
  /** Nothing but directories in it. */
  empty: boolean
  /** What this machine cannot keep; empty normally. */
  notKept: string[]
  /** Files in it that changed since the run began. */
  changedWhileRead: ChangedFiles
}

export interface SnapshotSummary extends SnapshotSeen {
  snapshotId: string
}
