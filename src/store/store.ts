// The store: where a daemon keeps its backups, over any driver of src/objects (a local directory, MooseFS).
//   <ip>/                            the namespace of one server; a daemon writes to its own only, and reads all
//   <ip>/NAME.tar.gz                 a full backup, with NAME.manifest.json and NAME.index.gz beside it
//   <ip>/repo/                       all increments of the server, as a restic repository
//   <ip>/.meta                       the legacy system's index; its increments (mirrors) are plain folders
// This file has the interface; create-store.ts wires it up, layout.ts has all names, kinds/ reads each kind of
// backup.
// Engine plugins and the daemon use it. It knows no runs, no HTTP and no schedules.

import type { ByteSink, Driver } from '../objects/driver.ts'
import type { Repository } from '../restic/repository/repository.ts'
import type { BackupInfo, Manifest } from '../wire/backup.ts'
import type { BackupPage, UnknownObjects } from '../wire/daemon-api.ts'
import type { KnownStore } from '../wire/store-settings.ts'
import type { StoredArchive } from './kinds/archive/stored-archive.ts'
import type { StoredBackup } from './stored-backup.ts'

/** The daemon that opens the store. `ip` is its own namespace, the only one it writes to. */
export interface StoreIdentity {
  ip: string
  /** Generated once per data directory; written to `<ip>/.owner`. */
  daemonId: string
  version: string
  /** Absolute path of the file with the password of increments; without it, the password is in the store. */
  repositoryPasswordFile?: string
  /** The store this daemon used before. Without it, any namespace with its id, and any empty one, counts as its own. */
  knownStore?: KnownStore
}

/** Flags an operator gave at the daemon's start in order to start over. */
export interface ClaimOptions {
  /** Accept the store as it is now, although it is not the one that this daemon wrote to. */
  claimStore?: boolean
  /** Accept that the increment repository is missing, or is another one. */
  newRepository?: boolean
}

export interface BeginInput {
  archive: string
  /** The id of the run, from newRid() of lib/ids. */
  rid: string
  /** Absolute path of the volume. */
  source: string
  /** Whether a run is still active; leftovers of the others for this archive are settled. Default: all are active. */
  isRunning?(rid: string): Promise<boolean>
}

/** The backups of a store. Namespaces are server IPs; any can be read. */
export interface Store {
  readonly driver: Driver
  /**
   * Makes this daemon the owner of its namespace; once at start. Returns the id of the store.
   * Throws CONFLICT naming another owner unless `takeOver`, STORE_CHANGED if it is not the known store.
   */
  claim(takeOver: boolean, options?: ClaimOptions): Promise<string>
  /** Throws CONFLICT if another daemon owns the own namespace, STORE_CHANGED or STORE_UNAVAILABLE if none does. */
  assertOwner(): Promise<void>
  /** Begins a new backup, which nobody sees before it is published. claim() must have been called once in the store's life. */
  begin(input: BeginInput): Promise<PendingBackup>
  /** By name, at most `limit`; `next` = the last name examined, if more follow; `unread` = why series are missing. */
  list(namespace: string, options: { source?: string; after?: string; limit: number }): Promise<BackupPage>
  /** Throws BAD_INPUT if no backup can have this name, REPOSITORY_PASSWORD, REPOSITORY_DAMAGED. */
  find(namespace: string, name: string): Promise<StoredBackup | undefined>
  /** A full backup with its manifest, for callers that need more than a StoredBackup offers. */
  findArchive(namespace: string, name: string): Promise<StoredArchive | undefined>
  /** A mirror of the legacy system. */
  findMirror(namespace: string, name: string): Promise<StoredMirror | undefined>
  /** The newest manifest of a volume, by sequence. */
  newest(namespace: string, source: string): Promise<Manifest | undefined>
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
  /** Once at start: checks that the password of increments exists and is right. Throws REPOSITORY_PASSWORD. */
  preparePassword(): Promise<{ made: boolean }>
  /** What is missing or unreadable in the own namespace, one sentence each: the store itself, increments, archives. */
  problems(): Promise<string[]>
  /** Makes the checks of `remove` without deleting anything. */
  checkRemovable(names: string[]): Promise<void>
  /**
   * Deletes archives and mirrors of the own namespace, or `NAME/path` in a mirror, and returns the names that existed.
   * Throws BAD_INPUT or CONFLICT before anything is deleted. `stillDue` as in removeBackups. deleteStoredBackups()
   * deletes series too.
   */
  remove(names: string[], stillDue?: () => Promise<readonly string[]>): Promise<string[]>
  /** Frees the space of deleted mirrors, which can take long. May be aborted at any time; the next call continues. */
  sweep(signal: AbortSignal): Promise<void>
  /** IPs of the servers that have a folder in the store. */
  namespaces(): Promise<string[]>
  unknown(namespace: string): Promise<UnknownObjects>
  /**
   * Recovers from a crash, before any run: finishes interrupted publishes and deletes, removes leftovers. Unknown
   * objects are left untouched.
   */
  settle(): Promise<Settled>
  /**
   * Removes the locks that killed runs of this daemon left in the increments, also of other namespaces, whose daemons
   * would wait for them forever. Returns their names.
   * @param dataDir where the runs of this daemon note their locks
   */
  removeStaleLocks(dataDir: string): Promise<string[]>
}

export interface Settled {
  rolledForward: string[]
  /** Temporary files and interrupted deletes that were removed. */
  swept: string[]
  /** Names of unknown objects in the namespace. */
  unknown: string[]
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
