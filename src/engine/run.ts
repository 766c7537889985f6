import { BackupdError, messageOf } from '../lib/errors.ts'
import { describeRun } from '../wire/failed-run.ts'
import type { Job, JobOptions } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'
import type { EngineOptions } from './engine-options.ts'
import { LiveRecord } from './live-record.ts'
import { PauseSwitch } from './pause-switch.ts'
import type { Plugin, RunSettings } from './plugin.ts'
import type { RunEnd, RunTask } from './ports.ts'
import { lifeLock, volumeLock } from './run-locks.ts'
import { RunLog } from './run-log.ts'
import type { Ticket } from './run-queue.ts'

export interface RunRequest {
  plugin: Plugin
  args: Readonly<Record<string, unknown>>
  /** Undefined for a one-off run. */
  job: Job | undefined
  type: RunRecord['type']
  rid: string
  /** Settings of this run only; they override those of its job. */
  options?: JobOptions
  /** It has the lowest priority, and gives way to all others. */
  idle?: boolean
  onBytes?(bytesDone: number): void
}

/** A run from its request until its end is on disk. */
export interface Run extends RunRequest {
  record: LiveRecord
  log: RunLog
  /** A quiet run that has not called `announce`: it has no visible record. */
  isSilent: boolean
  ticket: Ticket
  aborting: AbortController
  /** Why the run is refused, known from its args before it begins. */
  refusal: BackupdError | undefined
  /** Only of an idle run. */
  pausing: PauseSwitch | undefined
  /** Resolves when the newest state is on disk. */
  kept: Promise<void>
  over: PromiseWithResolvers<void>
  /** Set once the process was killed; resolves when it has exited. */
  killed: Promise<void> | undefined
  /** It owes work that settling its volumes does; see RunContext.owes. */
  owesWork: boolean
}

export interface RunWorld extends Pick<EngineOptions, 'clock' | 'settings' | 'memory'> {
  /** The list of jobs in force. */
  jobs(): readonly Job[]
}

export interface RunTurns {
  /** It is the run's turn in the queue. */
  begin(run: Run): void
  /** An idle run has to give way, or may go on. */
  pause(run: Run, isBusy: boolean): void
}

export function makeRun(
  request: RunRequest,
  { clock, settings, memory, jobs }: RunWorld,
  { begin, pause }: RunTurns,
): Run {
  const { plugin, args, job, type, rid } = request
  const origin = { rid, jobId: job?.id ?? '', spec: job?.spec ?? '', action: plugin.name, args, type }
  const filled = plugin.fillArgs?.(args, { settings, jobs: jobs() }) ?? args
  const { needs, refusal } = resolveNeeds(plugin, filled, settings)
  const on = {
    progressed: (record: RunRecord) => run.isSilent || memory.progressed(record),
    phaseBegun: (record: RunRecord) => run.isSilent || memory.notePhase(record),
  }
  const run: Run = {
    ...request,
    args: filled,
    record: new LiveRecord({ ...origin, server: settings.ip }, clock, on),
    log: new RunLog({
      clock,
      isSilent: () => run.isSilent,
      keep: (lines) => memory.addLog(rid, lines),
    }),
    isSilent: false,
    ticket: {
      needs,
      light: plugin.quiet === true,
      begin: () => begin(run),
      ...(request.idle && { pause: (isBusy: boolean) => pause(run, isBusy) }),
    },
    pausing: request.idle ? new PauseSwitch() : undefined,
    aborting: new AbortController(),
    refusal,
    kept: Promise.resolve(),
    over: Promise.withResolvers(),
    killed: undefined,
    owesWork: false,
  }
  return run
}

function resolveNeeds(plugin: Plugin, args: RunRequest['args'], settings: RunSettings) {
  try {
    return { needs: plugin.needs(plugin.parseArgs(args), settings), refusal: undefined }
  } catch (error) {
    const refusal = error instanceof BackupdError ? error : new BackupdError('INTERNAL', messageOf(error))
    return { needs: [], refusal }
  }
}

/** @param isHung evaluated when the run is aborted: a hung run is killed immediately */
export function makeTask(run: Run, settings: RunSettings, isHung: () => boolean): RunTask {
  const { rid, job, plugin, args, ticket, aborting, pausing } = run
  const locks = [lifeLock(rid), ...ticket.needs.map(volumeLock)]
  const jobId = job?.id ?? ''
  const options = { ...job?.options, ...run.options }
  const { signal } = aborting
  return {
    rid,
    jobId,
    action: plugin.name,
    args,
    settings,
    options,
    signal,
    locks,
    pausing,
    get killAfterMs() {
      return isHung() ? 0 : undefined
    },
  }
}

/** Its process died, perhaps in the middle of changing a volume, or it left work undone. */
export function mayBeHalfDone({ plugin, owesWork }: Run, end: RunEnd): boolean {
  if (owesWork) return true
  return plugin.changesVolumes === true && 'error' in end && end.error.code === 'RUNNER_DIED'
}

export function endAtLimit({ aborting }: Run, seconds: number): void {
  const message = `It took longer than ${seconds} s, its time limit`
  if (!aborting.signal.aborted) aborting.abort(new BackupdError('TIMED_OUT', message, { facts: { seconds } }))
}

export function makeStoppingError(): BackupdError {
  return new BackupdError('CONFLICT', 'The daemon is stopping: ask again when it runs')
}

/** `rival` has not ended, and nobody needs `run` besides. */
export function makeConflict({ job }: Run, rival: RunRecord): BackupdError {
  const { rid, state } = rival
  const what = job ? `The job "${job.id}"` : describeRun(rival)
  const message = `${what} is already ${state} as ${rid}: wait for it or cancel it`
  return new BackupdError('CONFLICT', message, { facts: { rid } })
}
