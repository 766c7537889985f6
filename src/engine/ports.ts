import type { FileHead } from '../wire/file-content.ts'
import type { Job, JobOptions } from '../wire/job.ts'
import type { RunRecord, RunResult } from '../wire/record.ts'
import type { LogPage, LogPageArgs, NewLogLine } from '../wire/run-log.ts'
import type { PauseSwitch } from './pause-switch.ts'
import type { RunSettings } from './plugin.ts'
import type { SleepMark } from './sleep-marks.ts'
import type { VerifyNightState } from './verify-night-state.ts'

/** The persistent state of the engine; the daemon implements it with a database file. */
export interface EngineMemory {
  /** The last known jobs with their sleep marks, for a start without a controller. */
  loadJobs(): { jobs: Job[]; version: string }
  /** @param left all sleep marks of jobs that left the list; replaces those stored before */
  saveJobs(jobs: Job[], version: string, left?: readonly SleepMark[]): void
  loadSleepMarks(): SleepMark[]
  saveSleep(id: string, asleep: boolean): void
  /** Resolves when these records are on disk. Called before a run's first effect and at each change of its state. */
  keep(records: RunRecord[]): Promise<void>
  /** Notes progress only: it may be dropped and never waits. */
  progressed(record: RunRecord): void
  /**
   * Stores that a phase of a run has begun, so that a kill of the daemon does not hide it. Nobody is told, and nothing waits
   * for it. It may be dropped.
   */
  notePhase(record: RunRecord): void
  /** Appends to the log of a run. On disk with its next change of state, otherwise a moment later. */
  addLog(rid: string, lines: readonly NewLogLine[]): void
  findLog(rid: string, page: LogPageArgs): LogPage
  find(rid: string): RunRecord | undefined
  /** The newest unsuccessful run of each key (readRunKey), unless a run with that key has succeeded since. */
  failures(): RunRecord[]
  /** Records of runs that had not ended when the daemon stopped. */
  unfinished(): RunRecord[]
  /** What saveNight() saved last; undefined if it never did, or that is unreadable. */
  loadNight(): VerifyNightState | undefined
  saveNight(night: VerifyNightState): void
  /** When the schedule last started each job, unix ms; manual runs do not count. */
  lastStarts(): Map<string, number>
}

/** Runs actions in child processes. */
export interface Runner {
  run(task: RunTask, on: RunnerEvents): Promise<RunEnd>
  /** Accepts no more tasks, waits for running children and kills those left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

export interface RunTask {
  rid: string
  jobId: string
  action: string
  args: Readonly<Record<string, unknown>>
  settings: RunSettings
  /** Settings of the job; undefined for a one-off run. */
  options?: JobOptions
  signal: AbortSignal
  /** Names of lock files under `<data>/locks` that the child locks first and holds until it ends. */
  locks: string[]
  /** Only for an idle run: it has the lowest priority, and gives way while it is paused. */
  pausing?: PauseSwitch | undefined
  /** How long the child may take to end on its own after the abort; default 10 s. Read at the time of the abort. */
  readonly killAfterMs?: number | undefined
}

export interface RunnerEvents {
  progress(change: Partial<NonNullable<RunRecord['progress']>>): void
  /** A sign of life: the run works but has no progress to report. */
  alive?(): void
  /** `message` is the last of `count` warnings; default 1. */
  warn(message: string, count?: number): void
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void
  announce(): Promise<void>
  /** See RunContext.owes. */
  owes?(ms: number): void
  /** Takes the content that the action hands out. */
  output?: { begin(head: FileHead): void; write(piece: Uint8Array): Promise<void> }
  /**
   * The child did not end after the abort and was killed; `gone` resolves when its process has exited. A process stuck
   * in the kernel on a dead mount may stay for long: if this callback is given, the run ends without waiting for it.
   */
  killed?(gone: Promise<void>): void
}

export type RunEnd =
  | { state: 'success' | 'partial'; reason: string; result: RunRecord['result'] }
  | {
      state: 'failed' | 'cancelled'
      reason: string
      error: NonNullable<RunRecord['error']>
      /** What it did before it failed. */
      result?: RunResult
    }
