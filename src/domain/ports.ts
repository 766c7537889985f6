// The ports of the domain: what it needs from the outside. catalog/ and fleet/ implement them, controller/ connects
// them. This folder holds the rules of the controller: plan, jobs, runs, records, backups. Only resolvers/ and
// controller/ call it. It knows no GraphQL, SQL or HTTP; it may import only lib and wire.

import type { Readable } from 'node:stream'
import type { ClockWitness } from '../lib/trusted-clock.ts'
import type { AuditEntry, AuditHead } from '../wire/audit-entry.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { DaemonDebug, JobsSender, RecoverRequest } from '../wire/daemon-api.ts'
import type { DrillRequest } from '../wire/drill.ts'
import type { FileHead, ReadArgs } from '../wire/file-content.ts'
import type { Inventory, InventoryNews } from '../wire/inventory.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { KeptRequest } from '../wire/kept-old.ts'
import type { BackupFilter, ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { QuestionAnswer, QuestionArgs, QuestionName } from '../wire/questions.ts'
import type { RunRecord } from '../wire/record.ts'
import type { LogPage, LogPageArgs } from '../wire/run-log.ts'
import type { VerifyRequest } from '../wire/verification.ts'
import type { EndedRun, ForgottenDay, PlaceKey, VolumeCondition, VolumeRun } from './health-ports.ts'

export type { AccessStore } from './access/access-state.ts'
export type { Grant } from './access/roles.ts'
export type { SessionStore, StoredSession } from './access/session-book.ts'
export type { StoredToken, TokenStore } from './access/token-book.ts'
export type { EnrolmentMark } from './enrolment-ports.ts'

/** A record with the number of its last change: see RecordEvent. */
export interface KeptRecord {
  record: RunRecord
  eventSeq: number
}

export interface RecordStore {
  /**
   * Applies news to the known records (wire applyNews), with the backups in them, in one transaction. On disk when it
   * resolves, except for mere progress, which stays in memory. Returns the changed records in order, each numbered.
   */
  apply(news: RunRecord[]): Promise<KeptRecord[]>
  get(rid: string): Promise<KeptRecord | undefined>
  /** By rid, those of these records that are known. */
  getMany(rids: readonly string[]): Promise<Map<string, KeptRecord>>
  /** rid → server, for those of these runs that are known. */
  serversOf(rids: readonly string[]): Promise<Map<string, string>>
  /** Sorted by request time, latest first; a record keeps its position when it starts. */
  find(filter: RecordFilter, page: Page): Promise<Slice<RunRecord>>
  count(filter: RecordFilter): Promise<ListCount>
  /** The apps of records whose name begins so, sorted, at most `limit`. */
  findApps(prefix: string, limit: number): Promise<string[]>
  /** The newest record of each job, for a DataLoader. */
  lastOfJobs(jobIds: readonly string[]): Promise<Map<string, RunRecord>>
  /** The newest run of each job that has ended; a job without one is left out. */
  lastEnds(jobIds: readonly string[]): Promise<Map<string, EndedRun>>
  /** How long the newest complete or partial runs of each job took, ms, at most nine; a job without one is left out. */
  lengths(jobIds: readonly string[]): Promise<Map<string, number[]>>
  /** The backup runs of a volume that were requested from `from` (included) to `to` (excluded), unix ms. */
  runsOfVolume(place: PlaceKey, from: number, to: number): Promise<VolumeRun[]>
  /** The counts of deleted records of a volume, from this day on. */
  forgottenDays(place: PlaceKey, from: string): Promise<ForgottenDay[]>
  /** Records that have not ended, of one server or of all. */
  unfinished(server?: string): Promise<RunRecord[]>
  /** Those of all servers whose last change, when their page is read, has at most the number `upTo`; in that order. */
  unfinishedPages(size: number, upTo: number): AsyncIterable<KeptRecord[]>
  /** State changes after `seq`, oldest first, at most `limit`. */
  eventsSince(seq: number, filter: { rid?: string; app?: string }, limit: number): Promise<KeptRecord[]>
  /** All changes of state numbered above `after` and up to `upTo` are stored, except of forgotten records. */
  keptEvents(): Promise<{ after: number; upTo: number }>
  /** A number never used before, also before a restart, for a progress event that is not stored. */
  nextEventSeq(): number
  /**
   * Deletes one slice of the records requested before `before` (ISO 8601 with milliseconds), except running ones, the
   * newest of each job and those that a backup refers to. The statistics by day stay. Continue with `next`.
   */
  forget(request: { before: string; after: string | null }): Promise<{ deleted: number; next: string | null }>
}

export interface VolumeKey {
  server: string
  source: string
}

export interface ModeKey extends VolumeKey {
  mode: 'full' | 'increment'
}

export interface ConditionKey extends ModeKey {
  /** Of the volume. A place may have backups of an app that had it before. */
  app: string
}

export interface BackupKey {
  server: string
  name: string
}

export interface BackupStore {
  get(server: string, name: string): Promise<BackupInfo | undefined>
  /** How many snapshots the known ones of these series have; keyed `${server} ${name}`. */
  countSnapshots(keys: readonly BackupKey[]): Promise<Map<string, number>>
  /** Newest first (sequence, then created). */
  find(filter: BackupFilter, page: Page): Promise<Slice<BackupInfo>>
  count(filter: BackupFilter): Promise<ListCount>
  /** The apps of backups whose name begins so, sorted, at most `limit`. */
  findApps(prefix: string, limit: number): Promise<string[]>
  /** The newest good backup of each volume, for a DataLoader; keyed `${server} ${source}`. */
  lastGood(keys: readonly VolumeKey[]): Promise<Map<string, BackupInfo>>
  /** In the order of `keys`. */
  conditions(keys: readonly ConditionKey[]): Promise<VolumeCondition[]>
  /** The backups known to be corrupt, of one server or of all: at most one entry for each server and kind. */
  corrupt(server?: string): Promise<CorruptBackups[]>
  remove(server: string, names: string[]): Promise<void>
  /** The servers that the catalog has backups of. */
  namespaces(): Promise<string[]>
  /** Makes the catalog equal to the present content of one namespace, streamed in pages. `dryRun` only counts. */
  reconcile(server: string, pages: AsyncIterable<BackupInfo[]>, dryRun: boolean): Promise<ReconcileCounts>
}

export interface CorruptBackups {
  server: string
  /** Their manifests cannot be read; if false, they are corrupt for another reason. */
  isUnreadable: boolean
  /** At least 1. */
  count: number
  /** The newest of them, at most three. */
  names: string[]
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
  /** ISO 8601 of its last answer, null before the first. */
  lastSeen: string | null
  /** It left the inventory and has not yet accepted its empty list of jobs. */
  leaving: boolean
  /** The zone of schedules that name none; null if it was never reported. */
  timeZone: string | null
}

export interface ServerStore {
  all(): Promise<KnownServer[]>
  /** In one transaction. */
  save(...servers: KnownServer[]): Promise<void>
  remove(ip: string): Promise<void>
}

export interface NewAuditEntry {
  /** ISO 8601. */
  at: string
  who: string
  verb: string
  facts: Record<string, unknown>
  outcome: string
  /** The id of the entry that was written before the action. */
  begin?: number
}

export interface AuditFilter {
  verb?: string | undefined
  /** ISO 8601, included. */
  from?: string | undefined
  /** ISO 8601, excluded. */
  to?: string | undefined
}

export interface AuditStore {
  /** The newest entry; null if there is none. */
  readonly head: AuditHead | null
  /** Adds an entry to the chain; on disk when it resolves with its id. */
  write(entry: NewAuditEntry): Promise<number>
  /** Newest first. */
  find(filter: AuditFilter, page: Page): Promise<Slice<AuditEntry>>
  count(filter: AuditFilter): Promise<ListCount>
  /** The hash of an entry; undefined if it does not exist. */
  hashOf(id: number): Promise<string | undefined>
  /** Entries with the outcome BEGUN after the last one with this verb, that no later entry ends. */
  findOpen(sinceVerb: string): Promise<AuditEntry[]>
  /** Deletes one slice of the entries older than `before`, oldest first, with a checkpoint; returns how many. */
  forget(before: string, now: string): Promise<number>
}

export interface CatalogCopier {
  /** Makes a consistent copy in a new file under `dir`. Throws FORBIDDEN outside the copies directory. */
  copyTo(dir: string): Promise<{ path: string; size: number }>
}

export interface RunJobRequest {
  rid: string
  /** An increment reads every file, whatever its timestamps say. */
  reread: boolean
}

/** What a poll tells a daemon that can make use of it. */
export interface PollRequest {
  /** Our own clock. */
  witness?: ClockWitness | undefined
  /** The version of its list of jobs that is known, or empty. The answer has what changed since, and is short. */
  listVersion?: string | undefined
}

/**
 * The daemons, over HTTP, each by its IP. Throws DAEMON_UNREACHABLE (with the address), DAEMON_REFUSED (with the
 * daemon's text), or the daemon's own code.
 */
export interface DaemonPort {
  debug(ip: string, poll?: PollRequest): Promise<DaemonDebug>
  /** Makes the daemon trust its clock as it is now. */
  confirmClock(ip: string): Promise<void>
  /** Makes an enrolled daemon renew its certificate, and read the authorities of this controller. It does so after the answer. */
  renewCertificate(ip: string): Promise<void>
  jobs(ip: string): Promise<ScheduledJob[]>
  /** Throws CONFLICT if the daemon has the jobs of another controller. */
  setJobs(ip: string, jobs: Job[], sender: JobsSender): Promise<void>
  setNotify(ip: string, address: string): Promise<void>
  /** Returns the rid of the run: a legacy daemon chooses its own. */
  runJob(ip: string, id: string, run: RunJobRequest): Promise<string>
  sleepJob(ip: string, id: string): Promise<void>
  wakeJob(ip: string, id: string): Promise<void>
  startScheduler(ip: string): Promise<void>
  stopScheduler(ip: string): Promise<void>
  /** undefined if the daemon does not know the run; a legacy daemon knows none. */
  record(ip: string, rid: string): Promise<RunRecord | undefined>
  /** A page of the log of a run. Throws DAEMON_REFUSED if the daemon keeps no logs. */
  log(ip: string, rid: string, page: LogPageArgs): Promise<LogPage>
  cancel(ip: string, rid: string): Promise<void>
  /** Sorted by name, in pages. A legacy daemon lists its own namespace only. */
  backups(ip: string, namespace: string): AsyncIterable<BackupInfo[]>
  /** `names`: backups, or `NAME/path` inside a mirror. */
  deleteBackups(ip: string, namespace: string, names: string[]): Promise<void>
  /** Returns the rid of the run. */
  recover(ip: string, request: RecoverRequest): Promise<string>
  /** Returns the rid of the run. Throws DAEMON_REFUSED if the daemon cannot verify backups. */
  verify(ip: string, request: VerifyRequest): Promise<string>
  /** Returns the rid of the run. Throws DAEMON_REFUSED if the daemon cannot drill backups. */
  drill(ip: string, request: DrillRequest): Promise<string>
  /** Puts back, or removes, what a recover kept. Returns the rid of the run. Throws DAEMON_REFUSED if the daemon keeps nothing. */
  changeKept(ip: string, change: 'undo' | 'drop', request: KeptRequest): Promise<string>
  /**
   * Opens a file of a backup. Its content breaks off with an error if the daemon cannot read all of it. Throws DAEMON_REFUSED if
   * the daemon hands out no files.
   */
  readFile(ip: string, file: ReadArgs, signal?: AbortSignal): Promise<FileContent>
  /**
   * Asks a question of the table in wire/questions.ts. A legacy daemon answers `files` and, with its own server only,
   * `namespaces`; the rest is DAEMON_REFUSED there.
   */
  ask<Name extends QuestionName>(
    ip: string,
    question: Name,
    args: QuestionArgs<Name>,
  ): Promise<QuestionAnswer<Name>>
}

export interface FileContent {
  head: FileHead
  /** Destroy it to stop early. */
  content: Readable
}

export interface InventorySource {
  /**
   * Calls back with the first state before it resolves, then with each change. Rejects if a file is broken at the start
   * and there is no last good inventory. A remote source that is unreachable calls back with `broken` and tries again.
   */
  watch(onNews: (news: InventoryNews) => void, options: InventoryWatchOptions): Promise<InventoryWatch>
}

export interface InventoryWatchOptions {
  hasLastGood: boolean
  /** From then on there is no news, and a first reading ends early. The watch still has to be closed. */
  stop?: AbortSignal | undefined
}

export interface InventoryWatch {
  /** Reads the source now. Resolves after the callback, if there was news. */
  reread(): Promise<void>
  close(): Promise<void>
}

/** Keeps the inventory last in force, to notice also one that shrank while the controller was stopped. */
export interface InventoryMemory {
  load(): Promise<Inventory | undefined>
  save(inventory: Inventory): Promise<void>
}
