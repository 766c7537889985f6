import type { Clock } from '../lib/clock.ts'
import type { TimeAnchor } from '../lib/trusted-time.ts'
import type { FileHead } from '../wire/file-content.ts'
import type { HookSettings } from '../wire/hook-settings.ts'
import type { Job, JobOptions } from '../wire/job.ts'
import type { Progress, RunResult } from '../wire/record.ts'
import type { KnownStore, StoreSettings } from '../wire/store-settings.ts'
import type { PauseSwitch } from './pause-switch.ts'

/**
 * An action that the engine can run. `parseArgs` and `needs` run in the daemon's process and touch no file; `run`
 * runs in a child process.
 */
export interface Plugin<Args = unknown> {
  readonly name: string
  /** Throws BAD_INPUT that names the wrong argument and the reason. */
  parseArgs(raw: Readonly<Record<string, unknown>>): Args
  /** Completes the args for `needs` and `run`; the record keeps the args as requested. */
  fillArgs?(raw: Readonly<Record<string, unknown>>, daemon: DaemonFacts): Readonly<Record<string, unknown>>
  /** Absolute volume paths that no other run may hold at the same time. A path includes everything under it. */
  needs(args: Args, settings: RunSettings): string[]
  /**
   * Whether a run with these args first settles what an interrupted run left on its volumes, even though the daemon
   * could not. Such a run ignores the lock on an unsettled volume.
   */
  settlesFirst?(raw: Readonly<Record<string, unknown>>): boolean
  /** If its process dies, a volume may be half changed: its volumes are settled before another run touches them. */
  readonly changesVolumes?: boolean
  /** A run leaves a record only after it calls `announce`, so that runs that had nothing to do stay invisible. */
  readonly quiet?: boolean
  /** It holds no volume, skips the queue and leaves no record; the caller waits for the answer. */
  readonly answersAtOnce?: boolean
  run(args: Args, context: RunContext): Promise<RunOutcome>
}

/** Facts that only the daemon's process has; a child process does not. */
export interface DaemonFacts {
  settings: RunSettings
  /** The list of jobs in force. */
  jobs: readonly Job[]
}

/** What a run needs to know of its daemon: plain data, because it is sent to the child process. */
export interface RunSettings {
  /** This daemon's IP, which is its namespace in the store. */
  ip: string
  daemonId: string
  /** `<data>`: locks, journals. Absolute. */
  dataDir: string
  volumeRoot: string
  /** Absolute directories besides volumeRoot that may be read and written. */
  allowPaths: string[]
  /** Absolute directory in which new folders may be made for recovers; without it, none is made. */
  recoverDir?: string
  /** Absolute directory in which drills restore, on a file system of its own; without it, none is done. */
  drillDir?: string
  store: StoreSettings
  version: string
  /** Absolute path of the file with the repository password; without it, the password is in the store. */
  repositoryPasswordFile?: string
  /** What hooks may do; if left out, none is run. */
  hooks?: HookSettings
  /** The trusted time to check the clock against (run-time.ts); it changes while the daemon runs. */
  timeAnchor?: TimeAnchor
  /** What the daemon remembers about its namespace; it changes while the daemon runs. */
  knownStore?: KnownStore
}

export interface RunContext {
  rid: string
  jobId: string
  settings: RunSettings
  /** Settings of the job; empty for a one-off run. */
  options: JobOptions
  clock: Clock
  /** Aborted when the run is cancelled or exceeds its time limit. `reason` is a BackupdError. */
  signal: AbortSignal
  /** Paused while a run that nobody waits for has to give way. */
  pausing?: PauseSwitch
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void
  /** Reports the changed fields of the progress. Throttled, so call it as often as you like. */
  progress(change: Partial<Progress>): void
  /** Write paths in their text form (lib/byte-paths.ts). Every warning counts; the first MAX_WARNINGS are kept. */
  warn(message: string): void
  /** Whether another run of this daemon is still running; a killed one is not. */
  isRunning(rid: string): Promise<boolean>
  /**
   * Notes that the run owes work, such as hooks, that takes up to `ms` and is to be done even if the run is aborted; 0:
   * nothing any more. An aborted run gets this time. If it ends and still owes work, its volumes are settled.
   */
  owes?(ms: number): void
  /** What the record says of the run if it fails: what it did until then. Replaces what was kept before. */
  keepResult?(result: RunResult): void
  /** Only for actions that hand out content, and only if somebody takes it. */
  output?: RunOutput
  /** For quiet plugins: call it before the first effect. Resolves when the record is on disk. */
  announce(): Promise<void>
}

/** Takes the content of one file. */
export interface RunOutput {
  /** Call it once, before the first piece. */
  begin(head: FileHead): void
  /** Resolves when the piece may be overwritten and the next one is wanted. Rejects with the signal's reason once aborted. */
  write(piece: Buffer): Promise<void>
}

export interface RunOutcome {
  state: 'success' | 'partial'
  /** Why the run is partial, or another remark; normally empty. */
  reason: string
  result: RunResult | null
}
