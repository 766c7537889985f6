import type { Job, JobOptions } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import type { LeftSleeper } from './left-sleepers.ts'
import type { RunSettings } from './plugin.ts'

/** What the engine needs of whoever keeps its memory; the daemon keeps it in a database file. */
export interface EngineMemory {
  /** Jobs and sleep marks of the last time, for a start without a controller. */
  loadJobs(): { jobs: Job[]; version: string }
  /** `left`: the sleep marks of jobs that left, all of them. */
  saveJobs(jobs: Job[], version: string, left?: readonly LeftSleeper[]): void
  loadLeftSleepers(): LeftSleeper[]
  saveSleep(id: string, asleep: boolean): void
  /** Resolves when these records are on disk. Called before a run's first effect, and with every change of state. */
  keep(records: RunRecord[]): Promise<void>
  /** Progress only: may be dropped, never waits. */
  progressed(record: RunRecord): void
  find(rid: string): RunRecord | undefined
  /** The newest runs that did not succeed, where none with the same key (readRunKey) has succeeded since. */
  failures(): RunRecord[]
  /** Records that had not ended when the daemon stopped. */
  unfinished(): RunRecord[]
  /** When the schedule last started each job, unix ms; runs by hand do not count. */
  lastStarts(): Map<string, number>
}

/** Runs one action in a child process. */
export interface Runner {
  run(task: RunTask, on: RunnerEvents): Promise<RunEnd>
  /** Takes no more tasks, lets children end or kills them at the deadline. */
  close(graceMs: number): Promise<void>
}

export interface RunTask {
  rid: string
  jobId: string
  action: string
  args: Readonly<Record<string, unknown>>
  settings: RunSettings
  /** Settings of the job; none for a one-off run. */
  options?: JobOptions
  signal: AbortSignal
  /** Names of lock files under `<data>/locks` that the child takes first and holds to its end. */
  locks: string[]
  /** How long the child may take to end by itself once the signal is aborted; 10 s unless given. Read at that time. */
  readonly killAfterMs?: number | undefined
}

export interface RunnerEvents {
  progress(change: Partial<NonNullable<RunRecord['progress']>>): void
  /** It works, though there is nothing to show. */
  alive?(): void
  /** `count` warnings (1 unless given), of which this is the last. */
  warn(message: string, count?: number): void
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void
  announce(): Promise<void>
  /**
   * The child was killed since it did not end when told to; it is no more from `gone` on. A process that waits in the
   * kernel for a dead mount may stay for long: where this is given, the run ends without waiting for it.
   */
  killed?(gone: Promise<void>): void
}

export type RunEnd =
  | { state: 'success' | 'partial'; reason: string; result: RunRecord['result'] }
  | { state: 'failed' | 'cancelled'; reason: string; error: NonNullable<RunRecord['error']> }
