import { systemClock } from '../lib/clock.ts'
import { BackupdError, type Json } from '../lib/errors.ts'
import { readStepCount } from '../lib/work-steps.ts'
import type { FromChild, ToChild } from './child-messages.ts'
import { createReporter } from './child-reporter.ts'
import type { Plugin, RunContext } from './plugin.ts'
import type { RunEnd } from './ports.ts'
import { endOf } from './run-end.ts'
import { type HeldLocks, isRunning, takeLocks } from './run-locks.ts'
import { showStoreWait } from './store-wait.ts'

/** How long a run waits for a lock that a dying process may still hold. */
const LOCK_WAIT_MS = 2000
/** How often work without progress of its own is told. */
const ALIVE_MS = 5000

type Task = Extract<ToChild, { kind: 'run' }>['task']

export interface ChildRun {
  abort(reason: BackupdError): void
  /** The answer to `announce`. */
  announced(refusal: BackupdError | null): void
}

interface World {
  plugins: readonly Plugin[]
  send(message: FromChild): void
}

/** Runs a task to its end, which is the last message it sends. */
export function startChildRun(task: Task, { plugins, send }: World): ChildRun {
  const aborting = new AbortController()
  const reporter = createReporter(send)
  let answer: (refusal: BackupdError | null) => void = () => {}
  const announce = () => {
    reporter.flush()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    answer = (refusal) => (refusal ? reject(refusal) : resolve())
    send({ kind: 'announce' })
    return promise
  }
  const { rid, jobId, settings, options = {} } = task
  const { warn } = reporter
  const storeWait = showStoreWait((change) => reporter.progress(change))
  const { progress } = storeWait
  const log: RunContext['log'] = (level, message, facts = {}) => reporter.log(level, message, plain(facts))
  const { signal } = aborting
  const context: RunContext = {
    ...{ rid, jobId, settings, options, clock: systemClock, signal, log, progress, warn, announce },
    isRunning: (other) => isRunning(settings.dataDir, other),
  }
  const alive = tellWork(send)
  void runTask(task, plugins, context).then((end) => {
    clearInterval(alive)
    storeWait.close()
    reporter.close()
    send({ kind: 'end', end, rss: process.memoryUsage.rss() })
  })
  return { abort: (reason) => aborting.abort(reason), announced: (refusal) => answer(refusal) }
}

/** While nothing steps on, such as in a call to a mount that hangs, nothing is told. */
function tellWork(send: World['send']): NodeJS.Timeout {
  let told = readStepCount()
  const tell = () => {
    if (readStepCount() !== told) send({ kind: 'alive' })
    told = readStepCount()
  }
  return setInterval(tell, ALIVE_MS).unref()
}

/** Facts for the log may hold anything; what crosses to the parent is plain. */
function plain(facts: Record<string, unknown>): Record<string, Json> {
  const entries = Object.entries(facts).map(([key, value]) => [
    key,
    value instanceof Error ? value.message : value,
  ])
  const text = JSON.stringify(Object.fromEntries(entries), (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return JSON.parse(text)
}

async function runTask(task: Task, plugins: readonly Plugin[], context: RunContext): Promise<RunEnd> {
  let locks: HeldLocks | undefined
  try {
    const plugin = plugins.find(({ name }) => name === task.action)
    if (!plugin) throw new BackupdError('BAD_INPUT', `There is no action "${task.action}"`)
    locks = await takeLocks(task.settings.dataDir, task.locks, {
      waitMs: LOCK_WAIT_MS,
      signal: context.signal,
    })
    return await plugin.run(plugin.parseArgs(task.args), context)
  } catch (error) {
    return failureOf(error, context)
  } finally {
    locks?.release()
  }
}

/** An aborted run ends as its signal says, unless it has something of its own to tell: what it could not undo. */
function failureOf(error: unknown, { signal, log }: RunContext): RunEnd {
  const isOwn = error instanceof BackupdError && !isOfAbort(error, signal)
  const cause = signal.aborted && !isOwn ? signal.reason : error
  if (!(cause instanceof BackupdError)) {
    log('error', 'the run failed unforeseen', { stack: cause instanceof Error ? cause.stack : String(cause) })
  }
  return endOf(cause)
}

/** The abort is at the bottom of it, however it was wrapped on the way. */
function isOfAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  return error instanceof Error && (error.name === 'AbortError' || isOfAbort(error.cause, signal))
}
