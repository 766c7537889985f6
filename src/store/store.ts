import type { Driver, ObjectWriter } from '../objects/driver.ts'
import type { Repository } from '../restic/repository/repository.ts'
import type { BackupInfo, Manifest } from '../wire/backup.ts'
import type { BackupPage, UnknownObjects } from '../wire/daemon-api.ts'
import type { KnownStore } from '../wire/store-settings.ts'
import type { StoredArchive } from './kinds/archive/stored-archive.ts'
import type { StoredBackup } from './stored-backup.ts'

/** Who opens the store: `ip` is its own namespace, the only one it ever writes to. */
export interface StoreIdentity {
  ip: string
  /** Made once per data directory; stands in `<ip>/.owner`. */
  daemonId: string
  version: string
  /** Absolute path of the file with the password of increments; where none is given it lies in the store. */
  repositoryPasswordFile?: string
  /** Without it nothing is remembered: any namespace with this daemon's id, and any empty one, is taken for its own. */
  knownStore?: KnownStore
}

/** What an operator asked for at the daemon's start, in order to start over. */
export interface ClaimOptions {
  /** Accept the store as it is now, although it is not the one that this daemon wrote to. */
  claimStore?: boolean
  /** Accept that the increment repository is gone, or is another one. */
  newRepository?: boolean
}

export interface StoreOptions {
  /** What went wrong without making the call fail, such as a broken `.meta` that was set aside. */
  warn?(message: string): void
}

export interface BeginInput {
  archive: string
  /** As lib/ids newRid makes it. */
  rid: string
  /** Absolute path of the volume. */
  source: string
  /** Whether a run is still at work; what others left of this archive is settled. Unless given, all count as running. */
  isRunning?(rid: string): Promise<boolean>
}

/** The backups of a store, laid out as the design says. Namespaces are server IPs; any can be read. */
export interface Store {
  readonly driver: Driver
  /**
   * Makes this daemon the owner of its namespace; once at start. Returns the id of the store.
   * Throws CONFLICT naming another owner unless `takeOver`, STORE_CHANGED if it is not the known store.
   */
  claim(takeOver: boolean, options?: ClaimOptions): Promise<string>
  /** Throws CONFLICT if the own namespace is another daemon's, STORE_CHANGED or STORE_UNAVAILABLE if it is nobody's. */
  assertOwner(): Promise<void>
  /** A new backup under temporary names. Needs claim() to have been called once in the store's life. */
  begin(input: BeginInput): Promise<PendingBackup>
  /** By name, at most `limit`; `next` = the last name looked at where more follow; `unread` = why series are missing. */
  list(namespace: string, options: { source?: string; after?: string; limit: number }): Promise<BackupPage>
  /** Throws BAD_INPUT for what can be no backup's name, REPOSITORY_PASSWORD, REPOSITORY_DAMAGED. */
  find(namespace: string, name: string): Promise<StoredBackup | undefined>
  /** A full backup with its manifest, for who keeps books on it. */
  findArchive(namespace: string, name: string): Promise<StoredArchive | undefined>
  /** A mirror of the legacy system. */
  findMirror(namespace: string, name: string): Promise<StoredMirror | undefined>
  /** The newest manifest of a volume, by sequence. */
  newest(namespace: string, source: string): Promise<Manifest | undefined>
  /**
   * When the oldest full backup of each volume was made (source → unix ms), by `.meta` alone: cheap, to see whether
   * a closer look pays. undefined where `.meta` cannot tell.
   */
  oldest(namespace: string): Promise<Map<string, number> | undefined>
  /** The increments of any namespace; undefined where it has none. Throws REPOSITORY_PASSWORD, REPOSITORY_DAMAGED; of the own one REPOSITORY_MISSING. */
  repository(namespace: string): Promise<Repository | undefined>
  /** Those of the own namespace; made where there are none yet. */
  ownRepository(): Promise<Repository>
  /** Runs what deletes in the own increments; begins it anew, with room kept for it, where the store turns out to be full. */
  withReserve<T>(act: () => Promise<T>): Promise<T>
  /** Sees that there is such room, where the store has any. */
  keepReserve(): Promise<void>
  /** Once at start: sees that the password of increments is there and the right one. Throws REPOSITORY_PASSWORD. */
  preparePassword(): Promise<{ made: boolean }>
  /** What is missing of the own namespace, a sentence each: the store itself, the increments, archives. */
  problems(): Promise<string[]>
  /** In the own namespace: backups, or `NAME/path` in a mirror. Returns the names this call removed; refuses all (BAD_INPUT, CONFLICT) before the first is touched. `stillDue` as removeBackups has it. */
  remove(names: string[], stillDue?: () => Promise<readonly string[]>): Promise<string[]>
  /** Frees the room of deleted mirrors, which can take long; stopped at any time, the next call goes on. */
  sweep(signal: AbortSignal): Promise<void>
  /** The servers that have a folder here. */
  namespaces(): Promise<string[]>
  unknown(namespace: string): Promise<UnknownObjects>
  /** Finishes what a crash left, before any run: rolls publishes forward, finishes deletes, sweeps left-overs. Touches nothing it does not know. */
  settle(): Promise<Settled>
}

export interface Settled {
  rolledForward: string[]
  /** Temporary files and unfinished deletes that are gone now. */
  swept: string[]
  /** Names in the namespace nobody here made. */
  unknown: string[]
}

/** What the writer of a backup knows of it; the store adds the rest. */
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
  /** The archive and its index: write only; publish() syncs and closes them. */
  readonly object: ObjectWriter
  readonly index: ObjectWriter
  /** All or nothing, also over a crash. Throws CONFLICT where another daemon took the namespace. `facts.index` = null drops the index. */
  publish(facts: ManifestFacts): Promise<{ manifest: Manifest; info: BackupInfo }>
  /** Removes what was not published; no error after publish(), nor the second time. */
  abandon(): Promise<void>
}

/** An increment of the legacy system: the volume's files as they are. */
export interface Mirror {
  /** Runs `act` with the path of the folder; what is in it is as hostile as a volume. */
  withFolder<T>(act: (path: string) => Promise<T>): Promise<T>
}

export interface StoredMirror {
  info: BackupInfo
  mirror: Mirror
}
