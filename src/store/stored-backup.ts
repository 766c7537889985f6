import type { ChosenFiles } from '../volume/tree/chosen-paths.ts'
import type { TreeWarning } from '../volume/tree/entry.ts'
import type { OnProtected } from '../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { FilePage } from '../wire/daemon-api.ts'
import type { RecoverPlan } from '../wire/snapshot.ts'

/** A backup, asked the same way whether it is an archive, a series of snapshots or a mirror. */
export interface StoredBackup extends AsyncDisposable {
  readonly info: BackupInfo
  /**
   * One page of what lies directly in a folder. Throws NOT_FOUND if the backup has no such path, BAD_INPUT if it is no
   * folder, or if a snapshot is named and the backup has none.
   */
  listFiles(question: FolderQuestion, signal: AbortSignal): Promise<FilePage>
  /**
   * Opens what a recover puts back.
   * @param snapshot its id, or the beginning of it; null for the newest that can be trusted. Throws NOT_FOUND, or
   *   BAD_INPUT if the backup has no snapshots
   */
  open(snapshot: string | null, reader: Reader): Promise<OpenedBackup>
  /**
   * Reads all bytes, and compares them with what was written. What proves damaged is noted in the store, as a recover
   * does it. Throws ARCHIVE_CORRUPT, SNAPSHOT_CORRUPT, or BAD_INPUT for a mirror, of which nothing tells what it was.
   */
  verify(reader: Reader, onProgress: (bytes: number) => void): Promise<void>
}

/** Who reads. */
export interface Reader {
  /** Of the daemon: there it keeps the locks it holds elsewhere. */
  dataDir: string
  signal: AbortSignal
  warn(message: string): void
}

export interface FolderQuestion {
  /** Text form of lib/byte-paths.ts, relative to the volume; empty = its top. */
  path: string
  /** The last path of the page before; empty for the first page. */
  after: string
  limit: number
  /** The id of a snapshot; empty for the newest. */
  snapshot: string
}

/** What one recover can put back: an archive, a mirror, or one snapshot. */
export interface OpenedBackup extends AsyncDisposable {
  /** Where a legacy backup was made, as `.meta` says; null for others, and if that is not known. */
  readonly legacySource: string | null
  readonly state: 'success' | 'partial'
  readonly suspect: string | null
  /** What all of it is; null if that is not known. */
  readonly totals: { bytes: number; files: number } | null
  /** What all of it takes at most beside what is there. */
  readonly needs: Room
  /** The same, or that of what is chosen, as far as it is known beforehand. It may take a while. */
  measure(chosen: ChosenFiles | null, signal: AbortSignal): Promise<Room>
  restore(into: Filling, chosen: ChosenFiles | null): Promise<UnpackSummary>
  /** `refused`: how much would be left out; each is a warning, as far as they are named. */
  plan(question: PlanQuestion): Promise<{ plan: RecoverPlan; refused: number }>
}

/** An empty directory to be filled, and who wants to hear of it. */
export interface Filling {
  /** An existing empty directory. */
  target: string
  signal: AbortSignal
  /** Totals so far, `bytes` of file content, and what is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** As TreeWriter has it. */
  onProtected?: OnProtected
}

/** On a disk. */
export interface Room {
  bytes: number
  entries: number
}

export interface PlanQuestion {
  /** The volume's real path; null if it is not there. */
  path: string | null
  /** null for all of it, in place of all that is there. */
  chosen: ChosenFiles | null
  signal: AbortSignal
  warn(message: string): void
}
