import type { ClockWitness } from '../lib/trusted-clock.ts'
import type { BackupInfo, FileInfo } from '../wire/backup.ts'
import type {
  DaemonDebug,
  DiffRequest,
  FilesRequest,
  HistoryRequest,
  JobsSender,
  RecoverRequest,
  SnapshotNames,
  SnapshotsRequest,
  UnknownObjects,
} from '../wire/daemon-api.ts'
import type { Inventory, InventoryNews } from '../wire/inventory.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { BackupFilter, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import type { DiffPage, FileHistory, SnapshotPage } from '../wire/snapshot.ts'

/** What the domain needs of the outside, and no more. catalog/ and fleet/ fit these; server/ puts them together. */

/** A record with the number of its last change: see RecordEvent in design. */
export interface KeptRecord {
  record: RunRecord
  eventSeq: number
}

export interface RecordStore {
  /**
   * Puts news onto what is known (wire applyNews), with the backups it tells of, in one transaction;
   * on disk when it resolves (mere progress in memory only). Returns what changed, in order, each numbered.
   */
  take(news: RunRecord[]): Promise<KeptRecord[]>
  get(rid: string): Promise<KeptRecord | undefined>
  /** The server of each of these runs that is known. */
  serversOf(rids: readonly string[]): Promise<Map<string, string>>
  /** The latest request first; a record does not move when it starts. */
  find(filter: RecordFilter, page: Page): Promise<Slice<RunRecord>>
  /** The newest record of each job, for a DataLoader. */
  lastOfJobs(jobIds: readonly string[]): Promise<Map<string, RunRecord>>
  /** Not ended, of one server or of all. */
  unfinished(server?: string): Promise<RunRecord[]>
  /** State changes after `seq`, oldest first, at most `limit`. */
  eventsSince(seq: number, filter: { rid?: string; app?: string }, limit: number): Promise<KeptRecord[]>
  /** Every change of state with a number above `after` and up to `upTo` is kept. */
  keptEvents(): Promise<{ after: number; upTo: number }>
  /** A number never given before, for a progress event that is not kept. Counts on over restarts. */
  nextEventSeq(): number
  /**
   * Deletes one slice of the records that were requested `before` (ISO 8601 with milliseconds), except those that
   * run, the newest of each job and those that a backup refers to; their numbers by day stay. Go on with `next`.
   */
  forget(request: { before: string; after: string | null }): Promise<{ deleted: number; next: string | null }>
}

export interface VolumeKey {
  server: string
  source: string
}

export interface BackupStore {
  get(server: string, name: string): Promise<BackupInfo | undefined>
  /** Newest first (sequence, then created). */
  find(filter: BackupFilter, page: Page): Promise<Slice<BackupInfo>>
  /** The newest good one of each volume, for a DataLoader; keyed `${server} ${source}`. */
  lastGood(keys: readonly VolumeKey[]): Promise<Map<string, BackupInfo>>
  remove(server: string, names: string[]): Promise<void>
  /** The servers of all backups there are. */
  namespaces(): Promise<string[]>
  /** What one namespace holds now, streamed by pages: adds, updates, removes. `dryRun` only counts. */
  reconcile(server: string, pages: AsyncIterable<BackupInfo[]>, dryRun: boolean): Promise<ReconcileCounts>
}

export interface ReconcileCounts {
  added: number
  updated: number
  removed: number
  unchanged: number
}

export interface KnownServer {
  ip: string
  daemonId: string | null
  /** ISO 8601 of its last word, null before the first. */
  lastSeen: string | null
  /** Left the inventory, and has not yet taken its empty list. */
  leaving: boolean
}

export interface ServerStore {
  all(): Promise<KnownServer[]>
  save(server: KnownServer): Promise<void>
  remove(ip: string): Promise<void>
}

export interface AuditStore {
  /** Who asked for what, when, and what came of it. */
  write(entry: {
    at: string
    who: string
    verb: string
    facts: Record<string, unknown>
    outcome: string
  }): Promise<void>
  /** Deletes one slice of the entries that are older; returns how many. */
  forget(before: string): Promise<number>
}

export interface CatalogCopier {
  /** A consistent copy in a new file under `dir`; returns its path and size. Throws FORBIDDEN outside the copies directory. */
  copyTo(dir: string): Promise<{ path: string; size: number }>
}

export interface RunWish {
  rid: string
  /** An increment reads every file, whatever its timestamps say. */
  reread: boolean
}

/** One daemon, over HTTP. Throws DAEMON_UNREACHABLE (with its address), DAEMON_REFUSED (with its words), or the daemon's own code. */
export interface DaemonPort {
  /** `witness`: our own clock, told with the question. */
  debug(ip: string, witness?: ClockWitness): Promise<DaemonDebug>
  /** The daemon trusts its clock as it is now. */
  confirmClock(ip: string): Promise<void>
  jobs(ip: string): Promise<ScheduledJob[]>
  /** Throws CONFLICT where its jobs are from another controller. */
  setJobs(ip: string, jobs: Job[], sender: JobsSender): Promise<void>
  setNotify(ip: string, address: string): Promise<void>
  runJob(ip: string, id: string, run: RunWish): Promise<string>
  sleepJob(ip: string, id: string): Promise<void>
  wakeJob(ip: string, id: string): Promise<void>
  startScheduler(ip: string): Promise<void>
  stopScheduler(ip: string): Promise<void>
  record(ip: string, rid: string): Promise<RunRecord | undefined>
  cancel(ip: string, rid: string): Promise<void>
  backups(ip: string, namespace: string): AsyncIterable<BackupInfo[]>
  files(ip: string, request: FilesRequest): Promise<{ files: FileInfo[]; next: string | null }>
  /** Backups, or `NAME/path` in a mirror. */
  deleteBackups(ip: string, namespace: string, names: string[]): Promise<void>
  /** The servers that have a folder in its store. */
  namespaces(ip: string): Promise<string[]>
  /** What in that folder is no part of a backup; undefined where the daemon cannot tell. */
  unknown(ip: string, namespace: string): Promise<UnknownObjects | undefined>
  recover(ip: string, request: RecoverRequest): Promise<string>
  snapshots(ip: string, request: SnapshotsRequest): Promise<SnapshotPage>
  diff(ip: string, request: DiffRequest): Promise<DiffPage>
  /** Returns the ids that were there. */
  deleteSnapshots(ip: string, request: SnapshotNames): Promise<string[]>
  history(ip: string, request: HistoryRequest): Promise<FileHistory>
}

export interface InventorySource {
  /**
   * Calls back with the first state before it resolves, then with each change. A file that is broken at first rejects
   * unless there is a last good inventory; a source elsewhere that is away calls back with `broken`, and goes on trying.
   */
  watch(onNews: (news: InventoryNews) => void, options: { hasLastGood: boolean }): Promise<InventoryWatch>
}

export interface InventoryWatch {
  /** Looks again now. Resolves after it called back, if there was news. */
  reread(): Promise<void>
  close(): Promise<void>
}

/** The inventory last in force, so that one that shrank while the controller was away is noticed too. */
export interface InventoryMemory {
  load(): Promise<Inventory | undefined>
  save(inventory: Inventory): Promise<void>
}
