import type { TreeWarning } from '../../volume/tree/entry.ts'
import type { WalkOptions } from '../../volume/tree/inspector.ts'
import type { ChangedFiles } from '../../volume/tree/recheck/changed-files.ts'
import type { SnapshotFacts, SnapshotFile } from '../nodes/snapshot-file.ts'
import type { Lock } from '../repository/held-lock.ts'
import type { Repository } from '../repository/repository.ts'
import type { SnapshotProgress } from './run-progress.ts'

export interface MakeSnapshotInput {
  repository: Repository
  /** A lock on the repository, held until this ends. */
  lock: Pick<Lock, 'signal' | 'assertHeld'>
  /** Absolute path of an existing directory. */
  volume: string
  /** The volume's path that the snapshot records; default `volume`. */
  sourcePath?: string
  /** Files that did not change since this snapshot are not read again. */
  parent: { id: string; snapshot: SnapshotFile } | null
  /** Read all files again, even if they seem unchanged. */
  reread?: boolean
  hostname: string
  /** When the run began. */
  time: Date
  /**
   * Returns the tags and facts of the snapshot. Called when all data is on disk, right before the snapshot's file is
   * written; if it throws, no snapshot is made.
   */
  describe(seen: WalkResult): SnapshotDescription | Promise<SnapshotDescription>
  signal: AbortSignal
  /** See WalkOptions. */
  whyLeftOut?: WalkOptions['whyLeftOut']
  /** Called often: keep it cheap. */
  onProgress(progress: SnapshotProgress): void
  onWarning(warning: TreeWarning): void
  /** How many threads read and compress; default: one for each core, at most 8. */
  workers?: number
}

export interface SnapshotDescription {
  tags: string[]
  facts: SnapshotFacts | null
}

/** The result of a run, before the snapshot's file is written. */
export interface WalkResult {
  /** The id of its tree, which starts at `/`. */
  tree: Buffer
  filesNew: number
  filesChanged: number
  filesUnchanged: number
  filesDeleted: number
  /** Files with the content that they have in the parent snapshot. */
  filesSame: number
  /** All entries of the volume, itself included. */
  entries: number
  files: number
  /** Size of the content of all files. */
  bytes: number
  /** Size of the content that was read. */
  bytesRead: number
  /** Size of the packs that were written to the store. */
  bytesAdded: number
  /** Number of warnings that make the snapshot partial. */
  faults: number
  /** `device` is `major:minor` of the volume's file system. */
  root: { device: string; mountPoint: boolean }
  /** The volume has only directories. */
  empty: boolean
  /** What this machine cannot keep, in words; normally empty. */
  notKept: string[]
  /** Files in the snapshot that changed since the run began. */
  changedWhileRead: ChangedFiles
}

export interface SnapshotSummary extends WalkResult {
  snapshotId: string
}
