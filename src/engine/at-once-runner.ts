import type { Clock } from '../lib/clock.ts'
import { BackupdError, type Json } from '../lib/errors.ts'
import { newRid } from '../wire/ids.ts'
import type { RunSettings } from './plugin.ts'
import type { Runner, RunnerEvents } from './ports.ts'
import { fromRecordError } from './record-error.ts'

/** A daemon answers every request within 10 s; this leaves a second for the network. */
const ANSWER_TIMEOUT_MS = 9000
/** Actions in parallel, each in its own child, so that one on a stalled mount delays no other. */
const MAX_PARALLEL = 6

export interface AtOnceRunnerOptions {
  clock: Clock
  runner: Runner
  settings: RunSettings
  /** Receives what a child logs. */
  onLog: RunnerEvents['log']
}

/** Runs actions that answer at once (`answersAtOnce`): MAX_PARALLEL at a time, the rest wait in order. */
export class AtOnceRunner {
  readonly #options: AtOnceRunnerOptions
  #free = MAX_PARALLEL
  readonly #waiting = new Set<() => void>()

  constructor(options: AtOnceRunnerOptions) {
    this.#options = options
  }

  /** Throws what the plugin threw, RUNNER_DIED, or TIMED_OUT if no answer came in 9 s. */
  async ask(action: string, args: Record<string, unknown>): Promise<Json> {
    const asking = new AbortController()
    const seconds = ANSWER_TIMEOUT_MS / 1000
    const message = `"${action}" gave no answer in ${seconds} s: check whether the store answers`
    const late = new BackupdError('TIMED_OUT', message, { facts: { action, seconds } })
    using _limit = this.#options.clock.after(ANSWER_TIMEOUT_MS, () => asking.abort(late))
    return await this.#run(action, args, asking.signal)
  }

  async #run(action: string, args: Record<string, unknown>, signal: AbortSignal): Promise<Json> {
    await this.#waitForSlot(signal)
    const { clock, runner, settings, onLog } = this.#options
    const on: RunnerEvents = { progress() {}, warn() {}, log: onLog, announce: async () => {} }
    const rid = newRid(clock.now())
    const task = { rid, jobId: '', action, args, settings, signal, locks: [], killAfterMs: 0 }
    const run = runner.run(task, on)
    // The slot stays taken until the process ends, not until the timeout: one stuck in the kernel outlives it.
    const freeSlot = () => this.#freeSlot()
    void run.then(freeSlot, freeSlot)
    const end = await Promise.race([run, rejectOnAbort(signal)])
    if ('error' in end) throw fromRecordError(end.error)
    return end.result ?? null
  }

  async #waitForSlot(signal: AbortSignal): Promise<void> {
    if (this.#free > 0) return void this.#free--
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const leave = () => this.#waiting.delete(resolve) && reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    return promise
  }

  #freeSlot(): void {
    const [first] = this.#waiting
    if (!first) return void this.#free++
    this.#waiting.delete(first)
    first()
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}
