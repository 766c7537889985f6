import { extname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { RunEnd, Runner, RunnerEvents, RunTask } from './ports.ts'
import { toFailure } from './run-end.ts'
import { forkChild, type RunnerChild } from './runner-child.ts'
import { within } from './within.ts'

export interface RunnerOptions {
  /** Idle children kept warm; more are forked as runs need them. */
  size: number
  clock: Clock
  log: Log
  /** The module that a child runs; defaults to child.ts. */
  childEntry?: URL
  /** Flags of Node and V8 for the children. */
  execArgv?: readonly string[]
  /** The children's environment, such as UV_THREADPOOL_SIZE; defaults to that of the parent. */
  env?: NodeJS.ProcessEnv
  /** A child is replaced after this many runs, or if it holds more memory than this after a run. */
  maxRuns?: number
  maxRssBytes?: number
}

/**
 * A small young generation and early collection of the old one keep the peak memory low: a run makes much short-lived
 * garbage.
 */
export const RUNNER_ARGV: readonly string[] = ['--max-semi-space-size=16', '--heap-growing-percent=70']
const MAX_RUNS = 100
const MAX_RSS_BYTES = 160 * 1024 * 1024
/** Idle children beyond `size` are killed after this. */
const MAX_SPARE_IDLE_MS = 30_000
/** How long to wait for killed processes to exit. */
const KILL_WAIT_MS = 2000

interface Member {
  child: RunnerChild
  runs: number
}

/** Runs each task in a child process: an idle one if there is one, otherwise a new one. */
export function createRunner(options: RunnerOptions): Runner {
  const {
    clock,
    log,
    size,
    maxRuns = MAX_RUNS,
    maxRssBytes = MAX_RSS_BYTES,
    execArgv = RUNNER_ARGV,
  } = options
  const entry = options.childEntry ?? new URL(`./child${extname(import.meta.url)}`, import.meta.url)
  const idle: Member[] = []
  const alive = new Set<Member>()
  let closed = false

  function addMember(): Member {
    const member = { child: forkChild({ entry, execArgv, clock, log, env: options.env }), runs: 0 }
    alive.add(member)
    void member.child.gone.then(() => {
      alive.delete(member)
      removeIdle(member)
    })
    return member
  }

  function removeIdle(member: Member): boolean {
    const at = idle.indexOf(member)
    if (at >= 0) idle.splice(at, 1)
    return at >= 0
  }

  function keepWarm(): void {
    while (!closed && idle.length < size) idle.push(addMember())
  }

  function returnMember(member: Member, rss: number | undefined): void {
    if (closed || rss === undefined || rss > maxRssBytes || member.runs >= maxRuns) member.child.kill()
    else idle.push(member)
    keepWarm()
    if (idle.length > size) clock.after(MAX_SPARE_IDLE_MS, endSpare)
  }

  function endSpare(): void {
    while (idle.length > size) idle.shift()?.child.kill()
  }

  async function run(task: RunTask, on: RunnerEvents): Promise<RunEnd> {
    if (closed) return toFailure(new BackupdError('DAEMON_RESTARTED', 'The daemon is stopping'))
    const member = idle.pop() ?? addMember()
    member.runs++
    const { end, rss } = await member.child.run(task, on)
    if (rss === undefined) log.warn({ rid: task.rid, pid: member.child.pid }, end.reason)
    returnMember(member, rss)
    return end
  }

  async function close(graceMs: number): Promise<void> {
    closed = true
    for (const member of idle.splice(0)) member.child.kill()
    const gone = Promise.all([...alive].map((member) => member.child.gone))
    if (await within(graceMs, gone)) return
    for (const member of alive) member.child.kill()
    if (!(await within(KILL_WAIT_MS, gone)))
      log.error({}, 'a child process is stuck in the kernel and ends later')
  }

  keepWarm()
  return { run, close }
}
