// The store: where a daemon keeps its backups, over any driver of src/objects (a local directory, MooseFS).
//   <ip>/                            the namespace of one server; a daemon writes to its own only, and reads all
//   <ip>/NAME.tar.gz                 a full backup, with NAME.manifest.json and NAME.index.gz beside it
//   <ip>/repo/                       all increments of the server, as a restic repository
//   <ip>/.meta                       the legacy system's index; its increments (mirrors) are plain folders
// This file has what engine plugins may use; store-parts.ts has what src/store and kinds/ build it from, layout.ts has
// all names. The store knows no runs, no HTTP and no schedules.

import type { Driver } from '../objects/driver.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import type { DeletedRoom, HiddenPage, HideRequest } from '../wire/hidden.ts'
import type { HeldThing, NewPin } from '../wire/pin.ts'
import type { KnownStore } from '../wire/store-settings.ts'
import type { Expired, ExpireRule, ExpireRun } from './expiry.ts'
import type { BackupTask, NewBackup } from './new-backup.ts'
import type { SeriesSnapshots, SnapshotsToRestore } from './snapshots.ts'
import type { StoreParts } from './store-parts.ts'
import type { FindOptions, Reader, StoredBackup } from './stored-backup.ts'

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

/** The backups of a store. Namespaces are server IPs; any can be read. */
export interface Store extends Pick<StoreParts, 'list' | 'removeStaleLocks'> {
  readonly driver: Pick<Driver, 'check' | 'space' | 'keepsVersions'>
  /**
   * Makes this daemon the owner of its namespace; once at start. Returns the id of the store.
   * Throws CONFLICT naming another owner unless `takeOver`, STORE_CHANGED if it is not the known store.
   */
  claim(takeOver: boolean, options?: ClaimOptions): Promise<string>
  /** Once at start: checks that the password of increments exists and is right. Throws REPOSITORY_PASSWORD. */
  preparePassword(): Promise<{ made: boolean }>
  /**
   * Recovers from a crash, before any run: finishes interrupted publishes and deletes, removes leftovers. Unknown
   * objects are left untouched.
   */
  settle(): Promise<Settled>
  /** What is missing or unreadable in the own namespace, one sentence each: the store itself, increments, archives. */
  problems(): Promise<string[]>
  /** IPs of the servers that have a folder in the store. */
  namespaces(): Promise<string[]>
  unknown(namespace: string): Promise<UnknownObjects>
  /** Throws BAD_INPUT if no backup can have this name, REPOSITORY_PASSWORD, REPOSITORY_DAMAGED. */
  find(namespace: string, name: string, options?: FindOptions): Promise<StoredBackup | undefined>
  /**
   * Starts a backup of a volume in the own namespace: reserves its name, or locks the increments. The volume is not read
   * before NewBackup.make(). claim() must have been called once in the store's life.
   * @throws what the steps throw, each with the step's name: STORE_FULL, STORE_UNAVAILABLE, CONFLICT,
   * REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, REPOSITORY_LOCKED
   */
  startBackup(task: BackupTask): Promise<NewBackup>
  /**
   * Deletes backups of the own namespace, of any kind, and returns the names that existed.
   * Throws BAD_INPUT, CONFLICT or REPOSITORY_LOCKED. All names are checked before anything is deleted.
   */
  delete(names: string[], reader: Reader): Promise<string[]>
  /**
   * Deletes backups of the own namespace so that it can be undone: full backups and all snapshots of increments are hidden for
   * `windowMs`, then expire() removes them. Mirrors and paths in them are deleted at once. Returns the names that existed.
   * Throws as delete() does.
   */
  hide(names: string[], request: HideRequest, reader: Reader): Promise<string[]>
  /**
   * Makes hidden backups of the own namespace backups again, all snapshots of an increment or the given ones. Throws NOT_FOUND
   * before the first if one is not hidden, and REPOSITORY_LOCKED.
   */
  restoreHidden(wanted: SnapshotsToRestore, reader: Reader): Promise<BackupInfo[]>
  /** The hidden backups of any namespace, by name, and each hidden snapshot. */
  listHidden(namespace: string, page: { after: string; limit: number }): Promise<HiddenPage>
  /** How much is hidden in the own namespace; it may count more than there is. */
  sumHidden(): Promise<DeletedRoom>
  /**
   * Deletes the backups of the own namespace that are older than their volume's rule allows, and frees the room of what
   * was deleted earlier: of hidden backups, once their time has passed. A mirror and the snapshot made from it never expire. Problems of single volumes are reported
   * and do not end it.
   */
  expire(rules: readonly ExpireRule[], run: ExpireRun): Promise<Expired>
  /**
   * Releases the backups of the own namespace that are held because a run after them was unusual: all of the app,
   * volume and mode of this one. Returns them as they are now. Throws NOT_FOUND.
   */
  acknowledgeUnusual(name: string): Promise<BackupInfo[]>
  /**
   * Keeps a full backup, a mirror or a snapshot of the own namespace whatever its age, against every delete, until the pin
   * is released or its time has passed. Returns the text of the pin. Throws NOT_FOUND, BAD_INPUT, CONFLICT, REPOSITORY_LOCKED.
   */
  pin(thing: HeldThing, pin: NewPin, reader: Reader): Promise<string>
  /**
   * Releases the pin with this id, or the only one, and returns its text. Throws as pin() does, and CONFLICT if it has several.
   */
  releasePin(thing: HeldThing, id: string | undefined, reader: Reader): Promise<string>
  readonly snapshots: SeriesSnapshots
}

export interface Settled {
  rolledForward: string[]
  /** Temporary files and interrupted deletes that were removed. */
  swept: string[]
  /** Names of unknown objects in the namespace. */
  unknown: string[]
}
