import type { HideRequest } from '../wire/hidden.ts'
import type { DiffPage, FileHistory, SnapshotPage } from '../wire/snapshot.ts'
import type { Reader } from './stored-backup.ts'

/**
 * What a series of snapshots offers beyond a StoredBackup; wire `hasSnapshots` tells which backups are one. All throw
 * NOT_FOUND if no series has the name.
 */
export interface SeriesSnapshots {
  /** One page of the snapshots of a series, newest first. */
  list(question: SnapshotsQuestion): Promise<SnapshotPage>
  /** One page of the differences between two snapshots of a series. */
  diff(question: SeriesDiffQuestion, signal: AbortSignal): Promise<DiffPage>
  /** The versions of one path, newest first. A page may be empty although more follow. */
  listVersions(question: FileVersionsQuestion): Promise<FileHistory>
  /**
   * Deletes single snapshots of a series of the own namespace and returns their ids; the next prune frees their space.
   * Throws NOT_FOUND or BAD_INPUT before anything is deleted, and REPOSITORY_LOCKED.
   */
  delete(wanted: SnapshotsToDelete, reader: Reader): Promise<string[]>
  /** The same so that it can be undone: they are hidden for `windowMs`, then Store.expire() deletes them. */
  hide(wanted: SnapshotsToDelete, request: HideRequest): Promise<string[]>
}

export interface SnapshotsQuestion {
  namespace: string
  name: string
  /** The last id of the page before; empty for the first page. */
  after: string
  limit: number
}

export interface SeriesDiffQuestion {
  namespace: string
  name: string
  from: string
  /** Empty for the newest. */
  to: string
  /** The last path of the page before; empty for the first page. */
  after: string
  limit: number
}

export interface FileVersionsQuestion {
  namespace: string
  name: string
  path: string
  /** The id of a snapshot: only older versions are listed; empty for all. */
  after: string
}

export interface SnapshotsToDelete {
  name: string
  /** Ids, or the first digits of ids. */
  snapshots: readonly string[]
}

export interface SnapshotsToRestore {
  /** Of series of the own namespace. */
  names: readonly string[]
  /** Ids, or the first digits of ids, of snapshots of the only series; all that is hidden if left out. */
  snapshots?: readonly string[] | undefined
}
