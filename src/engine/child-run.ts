import type { Clock } from '../lib/clock.ts'
import { BackupdError, type Json } from '../lib/errors.ts'
import { readStepCount } from '../lib/work-steps.ts'
import type { RunResult } from '../wire/record.ts'
import type { ChildTask, FromChild } from './child-messages.ts'
import { ChildOutput } from './child-output.ts'
import { Reporter } from './child-reporter.ts'
import { lowerPriority } from './lower-priority.ts'
import { PauseSwitch } from './pause-switch.ts'
import type { Plugin, RunContext } from './plugin.ts'
import type { RunEnd } from './ports.ts'
import { toFailure } from './run-end.ts'
import { acquireLocks, type HeldLocks, isRunning } from './run-locks.ts'
import { showStoreWait } from './store-wait.ts'

/** How long a run waits for a lock that a dying process may still hold. */
const LOCK_WAIT_MS = 2000
/** How often work without visible progress is reported. */
const ALIVE_INTERVAL_MS = 5000

export interface ChildRun {
  pause(isPaused: boolean): void
  abort(reason: BackupdError): void
  /** The last piece of content was taken. */
  taken(): void
  /** The answer to `announce`. */
  announced(refusal: BackupdError | null): void
}

interface World {
  plugins: readonly Plugin[]
  clock: Clock
  send(message: FromChild): void
}

/** Runs a task. Its last message is `end`. */
export function startChildRun(task: ChildTask, { plugins, clock, send }: World): ChildRun {
  const aborting = new AbortController()
  const pausing = new PauseSwitch()
  const reporter = new Reporter(send)
  let answer: (refusal: BackupdError | null) => void = () => {}
  const announce = () => {
    reporter.flush()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    answer = (refusal) => (refusal ? reject(refusal) : resolve())
    send({ kind: 'announce' })
    return promise
  }
  const output = new ChildOutput(send, aborting.signal)
  const { rid, jobId, settings, options = {} } = task
  const warn = (message: string) => reporter.warn(message)
  const storeWait = showStoreWait((change) => reporter.progress(change), clock)
  const { progress } = storeWait
  const log: RunContext['log'] = (level, message, facts = {}) =>
    reporter.log(level, message, toPlainFacts(facts))
  const { signal } = aborting
  let kept: RunResult | undefined
  const context: RunContext = {
    rid,
    jobId,
    settings,
    options,
    clock,
    signal,
    log,
    progress,
    warn,
    announce,
    output,
    keepResult: (result) => {
      kept = result
    },
    owes: (ms) => send({ kind: 'owes', ms }),
    pausing,
    isRunning: (other) => isRunning(settings.dataDir, other),
  }
  const alive = reportWork(send)
  void runTask(task, plugins, context).then((end) => {
    clearInterval(alive)
    storeWait.close()
    reporter.close()
    const all = 'error' in end && kept ? { ...end, result: kept } : end
    send({ kind: 'end', end: all, rss: process.memoryUsage.rss() })
  })
  return {
    pause: (isPaused) => pausing.set(isPaused),
    abort: (reason) => aborting.abort(reason),
    taken: () => output.taken(),
    announced: (refusal) => answer(refusal),
  }
}

/** Sends `alive` while steps are counted. A call that hangs, such as on a dead mount, counts none and sends nothing. */
function reportWork(send: World['send']): NodeJS.Timeout {
  let reported = readStepCount()
  const report = () => {
    if (readStepCount() !== reported) send({ kind: 'alive' })
    reported = readStepCount()
  }
  return setInterval(report, ALIVE_INTERVAL_MS).unref()
}

/** Turns facts of any type into JSON, which can be sent to the parent. */
function toPlainFacts(facts: Record<string, unknown>): Record<string, Json> {
  const entries = Object.entries(facts).map(([key, value]) => [
    key,
    value instanceof Error ? value.message : value,
  ])
  const text = JSON.stringify(Object.fromEntries(entries), (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return JSON.parse(text)
}

async function runTask(task: ChildTask, plugins: readonly Plugin[], context: RunContext): Promise<RunEnd> {
  let locks: HeldLocks | undefined
  try {
    const plugin = plugins.find(({ name }) => name === task.action)
    if (task.idle) await lowerPriority(context.log)
    if (!plugin) throw new BackupdError('BAD_INPUT', `The action "${task.action}" does not exist`)
    locks = await acquireLocks(task.settings.dataDir, task.locks, {
      wait: { ms: LOCK_WAIT_MS, clock: context.clock },
      signal: context.signal,
    })
    return await plugin.run(plugin.parseArgs(task.args), context)
  } catch (error) {
    return toFailedEnd(error, context)
  } finally {
    locks?.release()
  }
}

/** An aborted run ends with the reason of its signal, unless it threw its own error, such as one it could not undo. */
function toFailedEnd(error: unknown, { signal, log }: RunContext): RunEnd {
  const isOwn = error instanceof BackupdError && !isCausedByAbort(error, signal)
  const cause = signal.aborted && !isOwn ? signal.reason : error
  if (!(cause instanceof BackupdError)) {
    log('error', 'the run failed unexpectedly', {
      stack: cause instanceof Error ? cause.stack : String(cause),
    })
  }
  return toFailure(cause)
}

/** Whether the abort caused the error, however often it was wrapped. */
function isCausedByAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  return error instanceof Error && (error.name === 'AbortError' || isCausedByAbort(error.cause, signal))
}
