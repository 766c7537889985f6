// The engine: schedules jobs and runs actions (plugins/) in child processes. The daemon creates it and serves it
// over HTTP; child.ts is the entry of a child process.
// It knows no HTTP, no controller and no store: its memory and its runner are handed in (ports.ts), and plugins
// alone open the store. It may import only lib and wire.

import { BackupdError, type Json } from '../lib/errors.ts'
import { READ_ACTION, type ReadArgs } from '../wire/file-content.ts'
import { newRid, RID_PATTERN } from '../wire/ids.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import type { LogPage, LogPageArgs } from '../wire/run-log.ts'
import type { VerifyDemand } from '../wire/verify-schedule.ts'
import { AtOnceRunner } from './at-once-runner.ts'
import { ContentReads, type ReadFile } from './content-reads.ts'
import type { DrillPlace } from './drill-place.ts'
import type { EngineOptions } from './engine-options.ts'
import { finishInterrupted } from './finish-interrupted.ts'
import { JobTable, type SetJobsResult } from './job-table.ts'
import type { Plugin } from './plugin.ts'
import type { RunnerEvents } from './ports.ts'
import { Proofs } from './proofs.ts'
import { Runs } from './runs.ts'
import { type SettleReport, settle } from './settle.ts'
import type { NightRun } from './verify-night.ts'

export interface RunOptions {
  /** Chosen by the caller, for idempotent requests: a rid that is already known returns its record in any state. */
  rid?: string
}

export interface JobRunOptions extends RunOptions {
  /** An increment reads every file, whatever its timestamps say. */
  reread?: boolean
}

/** The cron worker, without HTTP. */
export class Engine {
  readonly #options: EngineOptions
  readonly #runs: Runs
  readonly #table: JobTable
  readonly #atOnce: AtOnceRunner
  readonly #reads: ContentReads
  readonly #proofs: Proofs

  constructor(options: EngineOptions) {
    this.#options = options
    const { clock, log, memory, agingClock = clock } = options
    this.#runs = new Runs({ ...options, jobs: () => this.#table.list().map(({ job }) => job) })
    this.#table = new JobTable({
      clock,
      agingClock,
      log,
      memory,
      isAction: (action) => this.#isAction(action),
      onDue: (job) => this.#runDue(job),
    })
    this.#proofs = new Proofs({
      ...options,
      table: this.#table,
      ask: (action, args) => this.ask(action, args),
      run: (request) => this.#runProof(request),
    })
    const onLog: RunnerEvents['log'] = (level, message, facts = {}) => log[level](facts, message)
    this.#atOnce = new AtOnceRunner({ ...options, onLog })
    this.#reads = new ContentReads({ ...options, onLog })
  }

  /** Replaces the list of jobs. Drops invalid jobs, each with its reason; the same list again changes nothing. */
  setJobs(jobs: Job[], version: string): SetJobsResult {
    const result = this.#table.set(jobs, version)
    this.#runs.failed.keepJobs(() => this.#table.list())
    return result
  }

  /** Sorted by next time, like the legacy daemon's list. */
  jobs(): ScheduledJob[] {
    return this.#table.list()
  }

  countJobs(): { awake: number; asleep: number } {
    return this.#table.count()
  }

  job(id: string): ScheduledJob | undefined {
    return this.#table.get(id)
  }

  /** The version of the list of jobs as its sender named it; empty if it did not. */
  get jobsVersion(): string {
    return this.#table.version
  }

  /** Changes with everything that jobs() shows; another one after each start. */
  get listVersion(): string {
    return this.#table.listVersion
  }

  /** The jobs changed since this version of the list; undefined if only jobs() shows that. */
  jobsSince(listVersion: string): ScheduledJob[] | undefined {
    return this.#table.listSince(listVersion)
  }

  /** Throws NOT_FOUND. */
  sleep(id: string): void {
    this.#table.setAsleep(id, true)
  }

  /** Throws NOT_FOUND. */
  wake(id: string): void {
    this.#table.setAsleep(id, false)
  }

  /** Starts and stops the schedule; runs under way continue. */
  start(): void {
    this.#table.start()
    this.#proofs.resume()
  }

  stop(): void {
    this.#table.stop()
  }

  get status(): 'started' | 'stopped' {
    return this.#table.status
  }

  /** What it takes to keep all backups proven; null until the verify job has run. */
  get verifyDemand(): VerifyDemand | null {
    return this.#proofs.verifyDemand
  }

  /** Whether the daemon's --drill-dir can be used. */
  get drillPlace(): DrillPlace {
    return this.#proofs.drillPlace
  }

  /** When the last list of jobs arrived, ISO 8601; NEVER until one has arrived since the start. */
  get updateTime(): string {
    return this.#table.updateTime
  }

  /** Resolves when the record is on disk. Throws NOT_FOUND, BAD_INPUT, CONFLICT (facts.rid), VOLUME_LOCKED. */
  async runJob(id: string, { rid, reread }: JobRunOptions = {}): Promise<RunRecord> {
    const known = rid === undefined ? undefined : this.#runs.known(checkRid(rid))
    if (known) return known
    const job = this.#table.find(id)
    const options = reread === true ? { reread } : {}
    const request = { ...this.#makeRequest(job.action, job.args, rid), job, options, type: 'once' } as const
    const record = await this.#runs.request(request)
    this.#proofs.begin(job)
    return record
  }

  /** As runJob. */
  async runOnce(action: string, args: Record<string, unknown>, { rid }: RunOptions = {}): Promise<RunRecord> {
    const known = rid === undefined ? undefined : this.#runs.known(checkRid(rid))
    if (known) return known
    return this.#runs.request({ ...this.#makeRequest(action, args, rid), job: undefined, type: 'once' })
  }

  /** Runs an action of the daemon itself to its end. A quiet one leaves no record. Throws CONFLICT. */
  async runOwn(action: string, args: Record<string, unknown>): Promise<RunRecord> {
    return await this.#runs.runToEnd({ ...this.#makeRequest(action, args), job: undefined, type: 'once' })
  }

  /** Runs an action that answers at once and returns its answer. Throws TIMED_OUT after 9 s. */
  async ask(action: string, args: Record<string, unknown>): Promise<Json> {
    this.#findPlugin(action, true).parseArgs(args)
    return await this.#atOnce.ask(action, args)
  }

  /** Reads one file of a backup, with what the reader wants of it. Throws OVERLOADED, or the reason of `late`. */
  async read(args: ReadArgs, late: AbortSignal): Promise<ReadFile> {
    return await this.#reads.read(READ_ACTION, args, late)
  }

  /** Ends a queued run immediately, aborts a running one. Throws NOT_FOUND, CONFLICT. */
  cancel(rid: string): RunRecord {
    return this.#runs.cancel(rid)
  }

  record(rid: string): RunRecord | undefined {
    return this.#runs.find(rid)
  }

  /** The log of a run, in pages; without lines if it is not known. */
  log(rid: string, page: LogPageArgs): LogPage {
    return this.#options.memory.findLog(rid, page)
  }

  /** Queued and running. */
  running(): RunRecord[] {
    return this.#runs.list()
  }

  /** From now on, any run that needs this path, a parent or a child of it is refused with VOLUME_LOCKED. */
  lockVolume(path: string, reason: string): void {
    this.#runs.locks.lock([path], { reason })
  }

  /** Paths locked by lockVolume and settle(). */
  locked(): { path: string; reason: string }[] {
    return this.#runs.locks.list()
  }

  /**
   * Call once, before start(). Finishes or rolls back what interrupted runs of the previous daemon process left in the
   * records, on the volumes and in the store. Without `withStore` it skips the store; each run then settles its part.
   */
  async settle({ withStore } = { withStore: true }): Promise<Omit<SettleReport, 'unfinished'>> {
    let release = () => {}
    const isClosing = () => this.#runs.isClosing
    const onSettled = (later: SettleReport) => {
      release()
      this.#applyReport(later)
    }
    const report = await settle({ ...this.#options, withStore }, { isClosing, onSettled })
    release = this.#applyReport(report)
    const { unfinished: _finishing, ...shown } = report
    return shown
  }

  /** Stops the schedule, ends all runs (failed, DAEMON_RESTARTED), kills those left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#table.stop()
    this.#reads.close()
    await this.#runs.close(graceMs)
  }

  #isAction(action: string): boolean {
    return this.#options.plugins.some((plugin) => plugin.name === action && !plugin.answersAtOnce)
  }

  #findPlugin(action: string, isAtOnce: boolean): Plugin {
    const fitting = this.#options.plugins.filter((plugin) => (plugin.answersAtOnce ?? false) === isAtOnce)
    const plugin = fitting.find(({ name }) => name === action)
    if (plugin) return plugin
    const known = fitting.map(({ name }) => name).join(', ')
    const message = `The action "${action}" does not exist, expected one of ${known}`
    throw new BackupdError('BAD_INPUT', message, { facts: { action } })
  }

  #makeRequest(action: string, args: Record<string, unknown>, rid = newRid(this.#options.clock.now())) {
    return { plugin: this.#findPlugin(action, false), args, rid }
  }

  #runProof({ action, args, job, maxReadBytes, ...rest }: NightRun): Promise<RunRecord> {
    const options = maxReadBytes === undefined ? {} : { maxReadBytes }
    return this.#runs.runToEnd({ ...this.#makeRequest(action, args), ...rest, job, options, type: 'cron' })
  }

  #runDue(job: Job): void {
    if (this.#proofs.begin(job)) return
    this.#runs.requestScheduled({ ...this.#makeRequest(job.action, job.args), job, type: 'cron' })
  }

  /** Returns a function that releases the volumes that the report locks. */
  #applyReport({ locked, unfinished, ended }: SettleReport): () => void {
    const releases = locked.map(({ volume, reason }) => this.#runs.locks.lock([volume], { reason }))
    for (const run of unfinished) void finishInterrupted({ ...this.#options, runs: this.#runs }, run)
    this.#restoreFailures(ended)
    return () => {
      for (const release of releases) release()
    }
  }

  #restoreFailures(ended: readonly string[]): void {
    const { failed } = this.#runs
    for (const record of this.#options.memory.failures()) {
      if (ended.includes(record.rid)) failed.log(record)
      failed.report(record)
    }
    failed.keepJobs(() => this.#table.list())
  }
}

/** Checks the format, because a rid becomes part of file names. */
function checkRid(rid: string): string {
  if (RID_PATTERN.test(rid)) return rid
  throw new BackupdError(
    'BAD_INPUT',
    `"${rid}" is not the id of a run, expected unix seconds and 32 hex digits`,
    {
      facts: { rid },
    },
  )
}
