// What the files of src/store and kinds/ build the Store from. Nobody outside may use it.

import type { ByteSink, Driver } from '../objects/driver.ts'
import type { Repository } from '../restic/repository/repository.ts'
import type { BackupInfo, Manifest } from '../wire/backup.ts'
import type { BackupPage } from '../wire/daemon-api.ts'
import type { RunHistory } from './kinds/unusual/run-history.ts'

/** The steps of reading, making and deleting backups. Whatever writes does so in the own namespace. */
export interface StoreParts {
  readonly driver: Driver
  /** See StoreWorld. */
  trustedNow(): number
  /** Throws CONFLICT if another daemon owns the own namespace, STORE_CHANGED or STORE_UNAVAILABLE if none does. */
  assertOwner(): Promise<void>
  /** Begins a new backup, which nobody sees before it is published. claim() must have been called once in the store's life. */
  begin(input: BeginInput): Promise<PendingBackup>
  /** By name, at most `limit`; `next` = the last name examined, if more follow; `unread` = why series are missing. */
  list(namespace: string, options: { source?: string; after?: string; limit: number }): Promise<BackupPage>
  /** A mirror of the legacy system. */
  findMirror(namespace: string, name: string): Promise<StoredMirror | undefined>
  /** What the full backups of a volume say to its next run. */
  findRuns(volume: { namespace: string; source: string; app: string }): Promise<ArchiveRuns>
  /**
   * Adds a reason to keep an archive of the own namespace whatever its age. undefined if it does not exist, or is corrupt.
   */
  hold(name: string, reason: string): Promise<BackupInfo | undefined>
  /**
   * When the oldest full backup of each volume was made (source → unix ms), from `.meta` alone: cheap, to decide
   * whether a full check pays off. undefined if `.meta` is missing or unreadable.
   */
  oldest(namespace: string): Promise<Map<string, number> | undefined>
  /**
   * The increments of any namespace; undefined if it has none. Throws REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, and
   * REPOSITORY_MISSING for the own namespace.
   */
  repository(namespace: string): Promise<Repository | undefined>
  /** The increments of the own namespace; creates the repository if there is none yet. */
  ownRepository(): Promise<Repository>
  /** Runs a delete in the own increments; if the store is full, frees the reserve and runs it again from the start. */
  withReserve<T>(act: () => Promise<T>): Promise<T>
  /** Creates that reserve if it is missing and the store has room. */
  keepReserve(): Promise<void>
  /** Makes the checks of `remove` without deleting anything. */
  checkRemovable(names: string[]): Promise<void>
  /**
   * Deletes archives and mirrors of the own namespace, or `NAME/path` in a mirror, and returns the names that existed.
   * Throws BAD_INPUT or CONFLICT before anything is deleted. `stillDue` as in removeBackups.
   */
  remove(names: string[], stillDue?: () => Promise<readonly string[]>): Promise<string[]>
  /**
   * Removes the archives whose deletes had to wait, or were interrupted, if this daemon still owns the namespace. Returns their
   * names.
   */
  finishDeletes(): Promise<string[]>
  /** The hidden archives of the own namespace whose time has passed. */
  listDueHidden(): Promise<DueArchives>
  /** Counts what is hidden again, for the note of it. */
  countHidden(): Promise<void>
  /** Frees the space of deleted mirrors, which can take long. May be aborted at any time; the next call continues. */
  sweep(signal: AbortSignal): Promise<void>
  /**
   * Removes the locks that killed runs of this daemon left in the increments, also of other namespaces, whose daemons
   * would wait for them forever. Returns their names.
   * @param dataDir where the runs of this daemon note their locks
   */
  removeStaleLocks(dataDir: string): Promise<string[]>
}

/** Hidden archives whose time has passed. */
export interface DueArchives {
  /** May be removed now. */
  due: string[]
  /** Why others stay, a sentence each. */
  kept: string[]
  /** Whether all were looked at; otherwise the note said that none is due. */
  listed: boolean
}

/** What the full backups of a volume say to its next run. */
export interface ArchiveRuns {
  /** By sequence. */
  newest: Manifest | undefined
  /** The numbers of the runs so far. */
  history: RunHistory
  /** The point to keep if the next run is unusual: the newest good backup, or else the newest partial one. */
  point: { name: string; isHeld: boolean } | undefined
  /** How many are held because a run after them was unusual. */
  held: number
}

export interface BeginInput {
  archive: string
  /** The id of the run, from newRid() of wire/ids. */
  rid: string
  /** Absolute path of the volume. */
  source: string
  /** Whether a run is still active; leftovers of the others for this archive are settled. Default: all are active. */
  isRunning?(rid: string): Promise<boolean>
}

/** The manifest fields that the writer of a backup provides; the store adds the rest. */
export type ManifestFacts = Omit<
  Manifest,
  | 'format'
  | 'name'
  | 'sequence'
  | 'created'
  | 'server'
  | 'durability'
  | 'verified'
  | 'corrupt'
  | 'holds'
  | 'writer'
>

export interface PendingBackup {
  readonly name: string
  readonly sequence: number
  /** ISO 8601. */
  readonly created: string
  /** The archive and its index. */
  readonly object: ByteSink
  readonly index: ByteSink
  /**
   * All or nothing, even if it crashes. `facts.index` = null drops the index. Throws CONFLICT if another daemon took
   * the namespace.
   */
  publish(facts: ManifestFacts): Promise<{ manifest: Manifest; info: BackupInfo }>
  /** Removes what was not published; may be called after publish() and more than once. */
  abandon(): Promise<void>
}

/** An increment of the legacy system: the volume's files as they are. */
export interface Mirror {
  /** Runs `act` with the path of the folder. Its content is as untrusted as a volume. */
  withFolder<T>(act: (path: string) => Promise<T>): Promise<T>
}

export interface StoredMirror {
  info: BackupInfo
  mirror: Mirror
}
