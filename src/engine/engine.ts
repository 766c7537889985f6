import { BackupdError, type Json } from '../lib/errors.ts'
import { newRid, RID_PATTERN } from '../wire/ids.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import { createAsking } from './asking.ts'
import type { EngineOptions } from './engine-options.ts'
import { finishCopy } from './finish-copy.ts'
import { JobTable, type TakenJobs } from './job-table.ts'
import type { Plugin } from './plugin.ts'
import { Runs } from './runs.ts'
import { type SettleReport, settle } from './settle.ts'

export interface RunOptions {
  /** Minted by the caller; one that was started before gives its record, whatever became of it. */
  rid?: string
}

export interface JobRunOptions extends RunOptions {
  /** An increment reads every file, whatever its timestamps say. */
  reread?: boolean
}

/** The cron worker without HTTP. */
export interface Engine {
  /** Replaces the list of jobs. What cannot be run is dropped with its reason; the same list again changes nothing. */
  setJobs(jobs: Job[], version: string): TakenJobs
  /** By next time, as the recorded system lists them. */
  jobs(): ScheduledJob[]
  job(id: string): ScheduledJob | undefined
  /** Throws NOT_FOUND. */
  sleep(id: string): void
  wake(id: string): void
  /** Starts and stops the schedule; runs go on. */
  start(): void
  stop(): void
  readonly status: 'started' | 'stopped'
  /** When a list of jobs came last, ISO 8601; NEVER until one came since the start. */
  readonly updateTime: string
  /** Resolves when the record is on disk. Throws NOT_FOUND, BAD_INPUT, CONFLICT (facts.rid), VOLUME_LOCKED. */
  runJob(id: string, options?: JobRunOptions): Promise<RunRecord>
  runOnce(action: string, args: Record<string, unknown>, options?: RunOptions): Promise<RunRecord>
  /** The answer of a plugin that answers at once. Throws TIMED_OUT after 9 s. */
  ask(action: string, args: Record<string, unknown>): Promise<Json>
  /** A queued run ends at once, a running one is told to. Throws NOT_FOUND, CONFLICT. */
  cancel(rid: string): RunRecord
  record(rid: string): RunRecord | undefined
  /** Queued and running. */
  running(): RunRecord[]
  /** From now on every run that needs this path, one above or one below it is refused with VOLUME_LOCKED. */
  lockVolume(path: string, reason: string): void
  /** What lockVolume and settle() locked. */
  locked(): { path: string; reason: string }[]
  /**
   * Once, before start(): ends what an earlier life left unfinished, in the records, on the volumes and in the store;
   * not there where it does not answer: each run then settles what concerns it.
   */
  settle(options?: { withStore: boolean }): Promise<Omit<SettleReport, 'copies'>>
  /** Stops the schedule, ends every run (failed, DAEMON_RESTARTED), kills what has not ended after `graceMs`; closes the runner. */
  close(graceMs: number): Promise<void>
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, log, plugins, memory } = options
  const runs = new Runs({ ...options, jobs: () => table.list().map(({ job }) => job) })
  const agingClock = options.agingClock ?? clock
  const table = new JobTable({ clock, agingClock, log, memory, isAction, onDue: runDue })
  const ask = createAsking({
    ...options,
    onLog: (level, message, facts = {}) => log[level](facts, message),
  })

  function isAction(action: string): boolean {
    return plugins.some((plugin) => plugin.name === action && !plugin.answersAtOnce)
  }

  function pluginOf(action: string, isAtOnce: boolean): Plugin {
    const plugin = plugins.find(({ name }) => name === action)
    if (plugin && (plugin.answersAtOnce ?? false) === isAtOnce) return plugin
    const known = plugins
      .filter((other) => (other.answersAtOnce ?? false) === isAtOnce)
      .map(({ name }) => name)
    throw new BackupdError('BAD_INPUT', `There is no action "${action}": there are ${known.join(', ')}`, {
      facts: { action },
    })
  }

  function requestOf(action: string, args: Record<string, unknown>, rid = newRid(clock.now())) {
    return { plugin: pluginOf(action, false), args, rid }
  }

  function runDue(job: Job): void {
    runs.askQuietly({ ...requestOf(job.action, job.args), job, type: 'cron' })
  }

  function recallFailures(ended: readonly string[]): void {
    for (const record of memory.failures()) {
      if (ended.includes(record.rid)) runs.failed.log(record)
      runs.failed.report(record)
    }
    runs.failed.keepJobs(() => table.list())
  }

  return {
    setJobs(jobs, version) {
      const taken = table.set(jobs, version)
      runs.failed.keepJobs(() => table.list())
      return taken
    },
    jobs: () => table.list(),
    job: (id) => table.get(id),
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
      return runs.ask({ ...requestOf(job.action, job.args, rid), job, options, type: 'once' })
    },
    async runOnce(action, args, { rid } = {}) {
      const known = rid === undefined ? undefined : runs.known(checkRid(rid))
      return known ?? runs.ask({ ...requestOf(action, args, rid), job: undefined, type: 'once' })
    },
    async ask(action, args) {
      pluginOf(action, true).parseArgs(args)
      return ask(action, args)
    },
    cancel: (rid) => runs.cancel(rid),
    record: (rid) => runs.find(rid),
    running: () => runs.list(),
    lockVolume: (path, reason) => runs.lockVolume(path, reason),
    locked: () => runs.locked(),
    async settle({ withStore } = { withStore: true }) {
      const { copies, ...report } = await settle({ ...options, withStore })
      for (const { volume, reason } of report.locked) runs.lockVolume(volume, reason)
      for (const copy of copies) void finishCopy({ ...options, runs }, copy)
      recallFailures(report.ended)
      return report
    },
    async close(graceMs) {
      table.stop()
      await runs.close(graceMs)
    },
  }
}

/** A rid names files, so it must look like one. */
function checkRid(rid: string): string {
  if (RID_PATTERN.test(rid)) return rid
  throw new BackupdError('BAD_INPUT', `"${rid}" is no rid: unix seconds and 32 hex digits`, {
    facts: { rid },
  })
}
