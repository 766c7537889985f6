import type { BackupdError } from '../lib/errors.ts'
import type { ByteSpan } from '../objects/driver.ts'
import type { ComparedTree, RestoredTree } from '../volume/compare-restored.ts'
import type { ChosenFiles } from '../volume/tree/chosen-paths.ts'
import type { TreeWarning } from '../volume/tree/entry.ts'
import type { OnProtected } from '../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { FilePage } from '../wire/daemon-api.ts'
import type { StepKind } from '../wire/planned-step.ts'
import type { RecoverPlan } from '../wire/snapshot.ts'
import type { VerifyResult } from '../wire/verification.ts'
import type { SignedThing } from './manifest-signer.ts'

/** A backup of any kind: an archive, a series of snapshots, or a mirror. */
export interface StoredBackup extends AsyncDisposable {
  readonly info: BackupInfo
  /** Of a full backup: what its signature is over. Increments are not signed. */
  readonly signed?: Pick<SignedThing, 'print' | 'signature'>
  /**
   * Lists one page of the entries directly in a folder. Throws NOT_FOUND if the backup has no such path, BAD_INPUT if
   * it is not a folder, or if a snapshot is named and the backup has none.
   */
  listFiles(question: FolderQuestion, signal: AbortSignal): Promise<FilePage>
  /**
   * Opens one file. Throws NOT_FOUND if the backup has no such path, BAD_INPUT if it is not a file, or if a snapshot is named
   * and the backup has none.
   */
  openFile(question: FileQuestion, reader: Reader): Promise<OpenedFile>
  /**
   * Opens the content for a recover. Throws NOT_FOUND, or BAD_INPUT if the backup has no snapshots.
   * @param snapshot its id, or the beginning of its id; null for the newest one that is not suspect
   */
  open(snapshot: string | null, reader: Reader): Promise<OpenedBackup>
  /**
   * Finds out whether a recover would find the content intact: reads all bytes and compares them with the checksums,
   * without restoring anything. What it found is noted in the store if the backup is of the own namespace. Throws only
   * the signal's reason once aborted, and errors that are not the store's.
   */
  verify(run: VerifyRun): Promise<VerifyVerdict>
}

export interface VerifyRun extends Reader {
  rid: string
  /** Bytes of the store read so far, and those to read in all as far as it is known. Called often: keep it cheap. */
  onProgress(done: { bytes: number; total: number | null }): void
}

/**
 * What a verification found. `corrupt`: two reads disagree with a checksum; the error names what is lost.
 * `unreadable`: something could not be read, which says nothing about the backup.
 */
export type VerifyVerdict =
  | { outcome: 'verified'; result: VerifyResult }
  | { outcome: 'corrupt'; error: BackupdError }
  | { outcome: 'unreadable'; error: BackupdError }

/** The caller of a long read. */
export interface Reader {
  /** The daemon's data directory, where it records the repository locks it holds. */
  dataDir: string
  signal: AbortSignal
  warn(message: string): void
}

export interface FindOptions {
  /**
   * Takes the size of an archive from its manifest, as long as that exists: reading it shows whether this is true. Spares
   * requests where the store costs some. Finds a hidden backup, too, which is whole: only a recover that was asked for
   * before it was hidden names one.
   */
  trustsManifest?: boolean
}

export interface FolderQuestion {
  /** Text form of lib/byte-paths.ts, relative to the volume; empty = its root. */
  path: string
  /** The last path of the page before; empty for the first page. */
  after: string
  limit: number
  /** The id of a snapshot; empty for the newest. */
  snapshot: string
}

export interface FileQuestion {
  /** Text form of lib/byte-paths.ts, relative to the volume. */
  path: string
  /** The id of a snapshot; empty for the newest. */
  snapshot: string
}

/** One file in a backup. */
export interface OpenedFile extends AsyncDisposable {
  /** With its holes, bytes. */
  readonly size: number
  /**
   * Reads its bytes from `from` up to, but without, `end`, holes as zeros. A buffer is valid until the next one is requested. What was read is
   * compared with its checksums before the last buffer is handed out; of a full backup, a whole file with its own, a part
   * with those of the archive around it. Throws ARCHIVE_CORRUPT or SNAPSHOT_CORRUPT.
   */
  read(span: ByteSpan): AsyncIterable<Buffer>
}

/** What one recover can restore: an archive, a mirror, or one snapshot. */
export interface OpenedBackup extends AsyncDisposable {
  /** The source path of a legacy backup, from `.meta`; null for other backups, and if it is not known. */
  readonly legacySource: string | null
  /** The id of the snapshot; null for an archive or a mirror. */
  readonly snapshot: string | null
  readonly state: 'success' | 'partial'
  readonly suspect: string | null
  /** The size of the whole backup; null if it is not known. */
  readonly totals: { bytes: number; files: number } | null
  /** The most free space that restoring all of it needs. */
  readonly needs: Room
  /** The free space for the chosen files, or for all of them, as far as it is known beforehand. May take a while. */
  measure(chosen: ChosenFiles | null, signal: AbortSignal): Promise<Room>
  /** How to compare what restore() made of all of it; left out if there is nothing to compare it with. */
  readonly drill?: DrillCheck
  restore(into: RestoreTarget, chosen: ChosenFiles | null): Promise<UnpackSummary>
  /** `refused`: how many paths a recover would leave out. The first of them are passed to `warn`. */
  plan(question: PlanQuestion): Promise<{ plan: RecoverPlan; refused: number }>
}

export interface DrillCheck {
  /** Compares each entry of a restored backup, except the root, with what is known of it. */
  compare(tree: RestoredTree): Promise<ComparedTree>
  /**
   * Whether damage that restore() throws was read twice, and what it restored was compared with checksums: then no
   * verification has to tell whether the store is at fault.
   */
  readonly isDamageCertain: boolean
  /** Notes that the backup was restored whole and without a difference. False if that is impossible. */
  noteProof(rid: string): Promise<boolean>
}

/** An empty directory to restore into, and callbacks for its progress. */
export interface RestoreTarget {
  /** An existing empty directory. */
  target: string
  signal: AbortSignal
  /** Totals so far (`bytes` of file content) and the path that is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** Passed on to TreeWriter. */
  onProtected?: OnProtected
}

/** Space on a disk. */
export interface Room {
  bytes: number
  entries: number
}

export interface PlanQuestion {
  /** The volume's real path; null if the volume does not exist. */
  path: string | null
  /** null for a full recover, which replaces the volume's whole content. */
  chosen: ChosenFiles | null
  signal: AbortSignal
  warn(message: string): void
  /** Hears of each existing path that would be deleted or replaced, even by an equal one; in the order of the walk. */
  note?(fate: 'delete' | 'replace', path: Buffer): void
  /** Hears of each step. `bytes`: as in PlannedStep. */
  onStep?(kind: StepKind, path: Buffer, bytes: number): void
}
