// The engine: schedules jobs and runs actions (plugins/) in child processes. The daemon creates it and serves it
// over HTTP; child.ts is the entry of a child process.
// It knows no HTTP, no controller and no store: its memory and its runner are handed in (ports.ts), and plugins
// alone open the store. It may import only lib and wire.

import { BackupdError, type Json } from '../lib/errors.ts'
import { newRid, RID_PATTERN } from '../wire/ids.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import { createAtOnceRunner } from './at-once-runner.ts'
import type { EngineOptions } from './engine-options.ts'
import { finishCopy } from './finish-copy.ts'
import { JobTable, type SetJobsResult } from './job-table.ts'
import type { Plugin } from './plugin.ts'
import { Runs } from './runs.ts'
import { type SettleReport, settle } from './settle.ts'

export interface RunOptions {
  /** Chosen by the caller, for idempotent requests: a rid that is already known returns its record in any state. */
  rid?: string
}

export interface JobRunOptions extends RunOptions {
  /** An increment reads every file, whatever its timestamps say. */
  reread?: boolean
}

/** The cron worker, without HTTP. */
export interface Engine {
  /** Replaces the list of jobs. Drops invalid jobs, each with its reason; the same list again changes nothing. */
  setJobs(jobs: Job[], version: string): SetJobsResult
  /** Sorted by next time, like the legacy daemon's list. */
  jobs(): ScheduledJob[]
  job(id: string): ScheduledJob | undefined
  /** The version of the list of jobs as its sender named it; empty if it did not. */
  readonly jobsVersion: string
  /** Changes with everything that jobs() shows; another one after each start. */
  readonly listVersion: string
  /** The jobs changed since this version of the list; undefined if only jobs() shows that. */
  jobsSince(listVersion: string): ScheduledJob[] | undefined
  /** Throws NOT_FOUND. */
  sleep(id: string): void
  wake(id: string): void
  /** Starts and stops the schedule; runs under way continue. */
  start(): void
  stop(): void
  readonly status: 'started' | 'stopped'
  /** When the last list of jobs arrived, ISO 8601; NEVER until one has arrived since the start. */
  readonly updateTime: string
  /** Resolves when the record is on disk. Throws NOT_FOUND, BAD_INPUT, CONFLICT (facts.rid), VOLUME_LOCKED. */
  runJob(id: string, options?: JobRunOptions): Promise<RunRecord>
  runOnce(action: string, args: Record<string, unknown>, options?: RunOptions): Promise<RunRecord>
  /** Runs an action that answers at once and returns its answer. Throws TIMED_OUT after 9 s. */
  ask(action: string, args: Record<string, unknown>): Promise<Json>
  /** Ends a queued run immediately, aborts a running one. Throws NOT_FOUND, CONFLICT. */
  cancel(rid: string): RunRecord
  record(rid: string): RunRecord | undefined
  /** Queued and running. */
  running(): RunRecord[]
  /** From now on, any run that needs this path, a parent or a child of it is refused with VOLUME_LOCKED. */
  lockVolume(path: string, reason: string): void
  /** Paths locked by lockVolume and settle(). */
  locked(): { path: string; reason: string }[]
  /**
   * Call once, before start(). Finishes or rolls back what interrupted runs of the previous daemon process left in the
   * records, on the volumes and in the store. Without `withStore` it skips the store; each run then settles its part.
   */
  settle(options?: { withStore: boolean }): Promise<Omit<SettleReport, 'copies'>>
  /** Stops the schedule, ends all runs (failed, DAEMON_RESTARTED), kills those left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, log, plugins, memory } = options
  const runs = new Runs({ ...options, jobs: () => table.list().map(({ job }) => job) })
  const agingClock = options.agingClock ?? clock
  const table = new JobTable({ clock, agingClock, log, memory, isAction, onDue: runDue })
  const ask = createAtOnceRunner({
    ...options,
    onLog: (level, message, facts = {}) => log[level](facts, message),
  })

  function isAction(action: string): boolean {
    return plugins.some((plugin) => plugin.name === action && !plugin.answersAtOnce)
  }

  function findPlugin(action: string, isAtOnce: boolean): Plugin {
    const plugin = plugins.find(({ name }) => name === action)
    if (plugin && (plugin.answersAtOnce ?? false) === isAtOnce) return plugin
    const known = plugins
      .filter((other) => (other.answersAtOnce ?? false) === isAtOnce)
      .map(({ name }) => name)
    throw new BackupdError(
      'BAD_INPUT',
      `The action "${action}" does not exist, expected one of ${known.join(', ')}`,
      {
        facts: { action },
      },
    )
  }

  function makeRequest(action: string, args: Record<string, unknown>, rid = newRid(clock.now())) {
    return { plugin: findPlugin(action, false), args, rid }
  }

  function runDue(job: Job): void {
    runs.requestScheduled({ ...makeRequest(job.action, job.args), job, type: 'cron' })
  }

  /** Returns a function that releases the volumes that the report locks. */
  function applyReport({ locked, copies, ended }: SettleReport): () => void {
    const releases = locked.map(({ volume, reason }) => runs.locks.lock([volume], { reason }))
    for (const copy of copies) void finishCopy({ ...options, runs }, copy)
    restoreFailures(ended)
    return () => {
      for (const release of releases) release()
    }
  }

  function restoreFailures(ended: readonly string[]): void {
    for (const record of memory.failures()) {
      if (ended.includes(record.rid)) runs.failed.log(record)
      runs.failed.report(record)
    }
    runs.failed.keepJobs(() => table.list())
  }

  return {
    setJobs(jobs, version) {
      const result = table.set(jobs, version)
      runs.failed.keepJobs(() => table.list())
      return result
    },
    jobs: () => table.list(),
    job: (id) => table.get(id),
    get jobsVersion() {
      return table.version
    },
    get listVersion() {
      return table.listVersion
    },
    jobsSince: (listVersion) => table.listSince(listVersion),
    sleep: (id) => table.setAsleep(id, true),
    wake: (id) => table.setAsleep(id, false),
    start: () => table.start(),
    stop: () => table.stop(),
    get status() {
      return table.status
    },
    get updateTime() {
      return table.updateTime
    },
    async runJob(id, { rid, reread } = {}) {
      const known = rid === undefined ? undefined : runs.known(checkRid(rid))
      if (known) return known
      const job = table.find(id)
      const options = reread === true ? { reread } : {}
      return runs.request({ ...makeRequest(job.action, job.args, rid), job, options, type: 'once' })
    },
    async runOnce(action, args, { rid } = {}) {
      const known = rid === undefined ? undefined : runs.known(checkRid(rid))
      return known ?? runs.request({ ...makeRequest(action, args, rid), job: undefined, type: 'once' })
    },
    async ask(action, args) {
      findPlugin(action, true).parseArgs(args)
      return ask(action, args)
    },
    cancel: (rid) => runs.cancel(rid),
    record: (rid) => runs.find(rid),
    running: () => runs.list(),
    lockVolume: (path, reason) => void runs.locks.lock([path], { reason }),
    locked: () => runs.locks.list(),
    async settle({ withStore } = { withStore: true }) {
      let release = () => {}
      const report = await settle(
        { ...options, withStore },
        {
          isClosing: () => runs.isClosing,
          onSettled(later) {
            release()
            applyReport(later)
          },
        },
      )
      release = applyReport(report)
      const { copies: _finishing, ...shown } = report
      return shown
    },
    async close(graceMs) {
      table.stop()
      await runs.close(graceMs)
    },
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
