import type { Clock } from '../lib/clock.ts'
import type { TimeAnchor } from '../lib/trusted-time.ts'
import type { Job, JobOptions } from '../wire/job.ts'
import type { Progress, RunResult } from '../wire/record.ts'
import type { KnownStore, StoreSettings } from '../wire/store-settings.ts'

/**
 * An action the engine can run: a value with a name, handed its world. `parseArgs` and `needs` run in the daemon's
 * process and touch no file; `run` runs in a child process.
 */
export interface Plugin<Args = unknown> {
  readonly name: string
  /** Throws BAD_INPUT saying which argument is wrong and why. */
  parseArgs(raw: Readonly<Record<string, unknown>>): Args
  /** What `needs` and the run get in place of the args as they were asked for; the record keeps those. */
  fillArgs?(raw: Readonly<Record<string, unknown>>, daemon: DaemonFacts): Readonly<Record<string, unknown>>
  /** What no other run may hold meanwhile: absolute volume paths (a path also stands for what lies under it). */
  needs(args: Args, settings: RunSettings): string[]
  /**
   * Whether a run with these args settles, before anything else, what an interrupted run left on its volumes, in spite of
   * what kept the daemon from it: such a run passes that lock.
   */
  settlesFirst?(raw: Readonly<Record<string, unknown>>): boolean
  /** Runs nobody wants to read of when they did nothing: no record until they call `announce`, none without it. */
  readonly quiet?: boolean
  /** Holds no volume, waits in no queue and leaves no record: whoever asks waits for the answer. */
  readonly answersAtOnce?: boolean
  run(args: Args, context: RunContext): Promise<RunOutcome>
}

/** What only the daemon's process knows. */
export interface DaemonFacts {
  settings: RunSettings
  /** The list of jobs in force. */
  jobs: readonly Job[]
}

/** The world of a run. Settings are plain data, so that they cross to the child process. */
export interface RunSettings {
  /** This daemon's IP: its namespace in the store. */
  ip: string
  daemonId: string
  /** `<data>`: locks, journals. Absolute. */
  dataDir: string
  volumeRoot: string
  /** Absolute directories that may be read and written, besides volumeRoot. */
  allowPaths: string[]
  store: StoreSettings
  version: string
  /** Absolute path of the file with the password of increments; where none is given it lies in the store. */
  repositoryPasswordFile?: string
  /** The trusted time, to read the clock against (run-time.ts); it changes while the daemon runs. */
  timeAnchor?: TimeAnchor
  /** What the daemon remembers of its namespace; it changes while the daemon runs. */
  knownStore?: KnownStore
}

export interface RunContext {
  rid: string
  jobId: string
  settings: RunSettings
  /** Settings of the job that this is a run of; empty for a one-off run. */
  options: JobOptions
  clock: Clock
  /** Aborted when the run is cancelled or out of time. `reason` is a BackupdError. */
  signal: AbortSignal
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void
  /** What changed of the progress; cheap: call it as often as you like. */
  progress(change: Partial<Progress>): void
  /** Text form of paths (lib/byte-paths.ts). Counted always, kept up to MAX_WARNINGS. */
  warn(message: string): void
  /** Whether another run of this daemon is still at work; one that was killed is not. */
  isRunning(rid: string): Promise<boolean>
  /** For quiet plugins: the record is on disk when this resolves. Call it before the first effect. */
  announce(): Promise<void>
}

export interface RunOutcome {
  state: 'success' | 'partial'
  /** Why it is partial, or what is worth a word; empty normally. */
  reason: string
  result: RunResult | null
}
