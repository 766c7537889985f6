import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { FromChild, ToChild } from './child-messages.ts'
import type { RunEnd, RunnerEvents, RunTask } from './ports.ts'
import { toRecordError } from './record-error.ts'
import { toFailure } from './run-end.ts'

/** A killed process that has not exited after this is stuck in the kernel. */
const STUCK_AFTER_MS = 2000
/** How long an aborted run may take to end on its own. */
const KILL_AFTER_MS = 10_000

export interface RunnerChild {
  readonly pid: number
  /** One task at a time. Never rejects; resolves when the run is over and its locks are free. */
  run(task: RunTask, on: RunnerEvents): Promise<ChildRunEnd>
  kill(): void
  /** Resolves when the process has exited. */
  readonly gone: Promise<void>
}

export interface ChildRunEnd {
  end: RunEnd
  /** Resident memory of the process, bytes; undefined if it is gone. */
  rss: number | undefined
}

export interface ForkOptions {
  entry: URL
  execArgv: readonly string[]
  env: NodeJS.ProcessEnv | undefined
  clock: Clock
  log: Log
}

export function forkChild({ entry, execArgv, env, clock, log }: ForkOptions): RunnerChild {
  const child = fork(entry, [String(process.pid)], {
    execArgv: [...execArgv],
    ...(env && { env }),
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const pid = child.pid ?? 0
  logLines(child.stdout, (line) => log.info({ pid }, line))
  logLines(child.stderr, (line) => log.warn({ pid }, line))
  const death = watchDeath(child)
  return {
    pid,
    run: (task, on) => runIn(child, { task, on, clock, death }),
    kill: () => void child.kill('SIGKILL'),
    gone: death.then(() => {}),
  }
}

function logLines(stream: Readable | null, write: (line: string) => void): void {
  if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', write)
}

/** Resolves with how the process ended; never rejects. */
function watchDeath(child: ChildProcess): Promise<BackupdError> {
  const { promise, resolve } = Promise.withResolvers<BackupdError>()
  child.once('exit', (exitCode, signal) => {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${exitCode}`
    const hint = signal === 'SIGKILL' ? ' (out of memory, or by hand)' : ''
    const message = `The process ${child.pid} of the run ${how}${hint}: see the log, then run it again`
    resolve(new BackupdError('RUNNER_DIED', message, { facts: { pid: child.pid ?? null, signal, exitCode } }))
  })
  child.on('error', (cause) => {
    if (child.pid !== undefined) return
    resolve(
      new BackupdError('RUNNER_DIED', `Cannot start a process for the run: ${cause.message}`, { cause }),
    )
  })
  return promise
}

interface Assignment {
  task: RunTask
  on: RunnerEvents
  clock: Clock
  death: Promise<BackupdError>
}

async function runIn(child: ChildProcess, { task, on, clock, death }: Assignment): Promise<ChildRunEnd> {
  const { signal, killAfterMs: _, pausing, ...rest } = task
  const ended = Promise.withResolvers<ChildRunEnd>()
  const send = (message: ToChild) => child.connected && child.send(message, () => {})
  let owedMs = 0
  const onMessage = (message: FromChild) => {
    if (message.kind === 'owes') owedMs = message.ms
    if (message.kind === 'end') ended.resolve(message)
    else handleEvent(message, on, send)
  }
  let killing: Disposable | undefined
  const kill = () => {
    child.kill('SIGKILL')
    if (!on.killed) return
    on.killed(death.then(() => {}))
    killing = clock.after(STUCK_AFTER_MS, () =>
      ended.resolve({ end: toFailure(signal.reason), rss: undefined }),
    )
  }
  const abort = () => {
    send({ kind: 'abort', reason: toRecordError(signal.reason) })
    killing = clock.after(task.killAfterMs ?? KILL_AFTER_MS + owedMs, kill)
  }
  child.on('message', onMessage)
  void death.then((error) =>
    ended.resolve({ end: toFailure(signal.aborted ? signal.reason : error), rss: undefined }),
  )
  send({ kind: 'run', task: { ...rest, idle: pausing !== undefined } })
  const pause = (isPaused: boolean) => send({ kind: 'pause', isPaused })
  using _pausing = pausing?.listen(pause)
  if (pausing?.isPaused) pause(true)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await ended.promise
  } finally {
    killing?.[Symbol.dispose]()
    child.off('message', onMessage)
    signal.removeEventListener('abort', abort)
  }
}

function handleEvent(message: FromChild, on: RunnerEvents, send: (message: ToChild) => void): void {
  if (message.kind === 'progress') on.progress(message.change)
  else if (message.kind === 'alive') on.alive?.()
  else if (message.kind === 'warn') on.warn(message.message, message.count)
  else if (message.kind === 'owes') on.owes?.(message.ms)
  else if (message.kind === 'head') on.output?.begin(message.head)
  else if (message.kind === 'piece') {
    // One that is not taken is waited for until the run is aborted.
    on.output?.write(message.piece).then(
      () => send({ kind: 'taken' }),
      () => {},
    )
  } else if (message.kind === 'log') on.log(message.level, message.message, message.facts)
  else if (message.kind === 'announce') {
    on.announce().then(
      () => send({ kind: 'announced', refusal: null }),
      (error) => send({ kind: 'announced', refusal: toRecordError(error) }),
    )
  }
}
