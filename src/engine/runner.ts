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
  /** The module that a child runs; default child.ts. Only tests have others, whose children know other plugins. */
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
export class ChildRunner implements Runner {
  readonly #options: RunnerOptions
  readonly #entry: URL
  readonly #idle: Member[] = []
  readonly #alive = new Set<Member>()
  #closed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#entry = options.childEntry ?? new URL(`./child${extname(import.meta.url)}`, import.meta.url)
    this.#keepWarm()
  }

  async run(task: RunTask, on: RunnerEvents): Promise<RunEnd> {
    if (this.#closed) return toFailure(new BackupdError('DAEMON_RESTARTED', 'The daemon is stopping'))
    const member = this.#idle.pop() ?? this.#addMember()
    member.runs++
    const { end, rss } = await member.child.run(task, on)
    if (rss === undefined) this.#options.log.warn({ rid: task.rid, pid: member.child.pid }, end.reason)
    // Its low priority cannot be taken back.
    this.#returnMember(member, task.pausing ? undefined : rss)
    return end
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    for (const member of this.#idle.splice(0)) member.child.kill()
    const gone = Promise.all([...this.#alive].map((member) => member.child.gone))
    if (await within(graceMs, gone)) return
    for (const member of this.#alive) member.child.kill()
    if (!(await within(KILL_WAIT_MS, gone)))
      this.#options.log.error({}, 'a child process is stuck in the kernel and ends later')
  }

  #addMember(): Member {
    const { clock, log, env, execArgv = RUNNER_ARGV } = this.#options
    const member = { child: forkChild({ entry: this.#entry, execArgv, clock, log, env }), runs: 0 }
    this.#alive.add(member)
    void member.child.gone.then(() => {
      this.#alive.delete(member)
      this.#removeIdle(member)
    })
    return member
  }

  #removeIdle(member: Member): void {
    const at = this.#idle.indexOf(member)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #keepWarm(): void {
    while (!this.#closed && this.#idle.length < this.#options.size) this.#idle.push(this.#addMember())
  }

  #returnMember(member: Member, rss: number | undefined): void {
    const { clock, size } = this.#options
    if (this.#isWornOut(member, rss)) member.child.kill()
    else this.#idle.push(member)
    this.#keepWarm()
    if (this.#idle.length > size) clock.after(MAX_SPARE_IDLE_MS, () => this.#endSpare())
  }

  #isWornOut({ runs }: Member, rss: number | undefined): boolean {
    const { maxRuns = MAX_RUNS, maxRssBytes = MAX_RSS_BYTES } = this.#options
    return this.#closed || rss === undefined || rss > maxRssBytes || runs >= maxRuns
  }

  #endSpare(): void {
    while (this.#idle.length > this.#options.size) this.#idle.shift()?.child.kill()
  }
}
