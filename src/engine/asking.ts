import type { Clock } from '../lib/clock.ts'
import { BackupdError, type Json } from '../lib/errors.ts'
import { newRid } from '../wire/ids.ts'
import type { RunSettings } from './plugin.ts'
import type { Runner, RunnerEvents } from './ports.ts'
import { fromRecordError } from './record-error.ts'

/** Every answer of a daemon comes within 10 s; this leaves a second for the way. */
const PATIENCE_MS = 9000
/** Each has a child of its own, so that one on a stalled mount holds up nobody but itself. */
const AT_ONCE = 6

export interface AskingOptions {
  clock: Clock
  runner: Runner
  settings: RunSettings
  /** What a child writes to the log. */
  onLog: RunnerEvents['log']
}

/** Asks plugins that answer at once: a few side by side, the rest in order. */
export function createAsking({ clock, runner, settings, onLog }: AskingOptions) {
  let free = AT_ONCE
  const waiting = new Set<() => void>()

  async function turn(signal: AbortSignal): Promise<void> {
    if (free > 0) return void free--
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.add(resolve)
    signal.addEventListener('abort', () => waiting.delete(resolve) && reject(signal.reason), { once: true })
    return promise
  }

  function nextTurn(): void {
    const [first] = waiting
    if (!first) return void free++
    waiting.delete(first)
    first()
  }

  async function ask(action: string, args: Record<string, unknown>, signal: AbortSignal): Promise<Json> {
    await turn(signal)
    const on: RunnerEvents = { progress() {}, warn() {}, log: onLog, announce: async () => {} }
    const rid = newRid(clock.now())
    const task = { rid, jobId: '', action, args, settings, signal, locks: [], killAfterMs: 0 }
    const run = runner.run(task, on)
    // The turn ends with the process, not with the patience: one that hangs in the kernel outlives it.
    void run.then(nextTurn, nextTurn)
    const end = await Promise.race([run, rejectOnAbort(signal)])
    if ('error' in end) throw fromRecordError(end.error)
    return end.result ?? null
  }

  /** Throws what the plugin threw, RUNNER_DIED, or TIMED_OUT when no answer came in 9 s. */
  return async (action: string, args: Record<string, unknown>): Promise<Json> => {
    const asking = new AbortController()
    const seconds = PATIENCE_MS / 1000
    const message = `"${action}" gave no answer in ${seconds} s: see the store and its mount`
    const late = new BackupdError('TIMED_OUT', message, { facts: { action, seconds } })
    const timer = setTimeout(() => asking.abort(late), PATIENCE_MS)
    try {
      return await ask(action, args, asking.signal)
    } finally {
      clearTimeout(timer)
    }
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}
