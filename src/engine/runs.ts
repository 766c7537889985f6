import { BackupdError, messageOf } from '../lib/errors.ts'
import { canRun } from '../wire/actions.ts'
import type { Job } from '../wire/job.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { DeadRuns } from './dead-runs.ts'
import type { EngineOptions } from './engine-options.ts'
import { FailedRuns } from './failed-runs.ts'
import { IdleRuns } from './idle-runs.ts'
import { createKeeper } from './keeper.ts'
import type { RunEnd, RunnerEvents } from './ports.ts'
import {
  endAtLimit,
  makeConflict,
  makeRun,
  makeStoppingError,
  makeTask,
  mayBeHalfDone,
  type Run,
  type RunRequest,
  type RunWorld,
} from './run.ts'
import { toFailure } from './run-end.ts'
import { RunQueue } from './run-queue.ts'
import { RunRegister } from './run-register.ts'
import { RunWatch } from './run-watch.ts'
import { VolumeLocks } from './volume-locks.ts'
import { within } from './within.ts'

type RunsOptions = RunWorld &
  Pick<EngineOptions, 'log' | 'problems' | 'plugins' | 'runner' | 'concurrency' | 'admit'>

/** How often the RunWatch checks all runs. */
const WATCH_INTERVAL_MS = 1000
/** Delay before another try to write the end of a record. */
const RETRY_INTERVAL_MS = 5000
/** On shutdown, how long to wait for the ends of runs to reach the disk after all processes are gone. */
const END_TIMEOUT_MS = 2000

/** Every run from its request until its end is on disk. */
export class Runs {
  readonly #options: RunsOptions
  readonly #keep: (record: RunRecord) => Promise<void>
  readonly #queue: RunQueue
  readonly #register = new RunRegister()
  readonly #watch: RunWatch
  readonly #watching: NodeJS.Timeout
  readonly #idle: IdleRuns
  readonly #dead: DeadRuns
  readonly failed: FailedRuns
  readonly locks: VolumeLocks
  #isClosing = false

  constructor(options: RunsOptions) {
    this.#options = options
    this.failed = new FailedRuns(options)
    this.locks = new VolumeLocks(options, () => this.#isClosing)
    this.#keep = createKeeper(options.memory)
    this.#queue = new RunQueue(options.concurrency)
    const { clock, log, problems } = options
    this.#watch = new RunWatch({
      clock,
      log,
      problems,
      onLimit: endAtLimit,
      onYield: (run) => this.#queue.giveLane(run.ticket),
    })
    this.#idle = new IdleRuns({ queue: this.#queue, watch: this.#watch })
    this.#dead = new DeadRuns({ queue: this.#queue, watch: this.#watch, locks: this.locks })
    this.#watching = setInterval(() => this.#watch.check(), WATCH_INTERVAL_MS).unref()
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  find(rid: string): RunRecord | undefined {
    const run = this.#register.get(rid)
    return run && !run.isSilent ? run.record.now : this.#options.memory.find(rid)
  }

  /** The record of a run that was requested before, once it is on disk. */
  known(rid: string): Promise<RunRecord> | undefined {
    const run = this.#register.get(rid)
    if (run) return run.kept.then(() => run.record.now)
    const record = this.#options.memory.find(rid)
    return record && Promise.resolve(record)
  }

  /** Queued and running. */
  list(): RunRecord[] {
    const shown = this.#register.all().filter((run) => !run.isSilent)
    return shown.map((run) => run.record.now).filter(({ state }) => !isTerminal(state))
  }

  /** Starts or queues a run; resolves when its record is on disk. Throws BAD_INPUT, CONFLICT, VOLUME_LOCKED. */
  async request(request: RunRequest): Promise<RunRecord> {
    const run = this.#makeRun(request)
    const refusal = this.#findRefusal(run) ?? this.#findConflict(run)
    if (refusal) throw refusal
    this.#admit(run)
    try {
      await run.kept
    } catch (error) {
      if (canRun('endAtOnce', run.record.now.state)) this.#finish(run, toFailure(error))
      throw error
    }
    return run.record.now
  }

  /** Starts or queues a run for the schedule. No caller waits, so a refusal goes into the record instead. */
  requestScheduled(request: RunRequest & { job: Job }): void {
    const { job, plugin, rid } = request
    const { log } = this.#options
    // A full disk is logged once by the code that watches it, not by each run that does not start.
    if (this.#isClosing || this.#options.admit?.(plugin.name)) return
    const [before] = this.#register.ofJob(job.id)
    if (before) {
      const facts = { job: job.id, action: job.action, rid: before.rid }
      log.warn(facts, `job skipped: its last run is still ${before.record.now.state}`)
      return
    }
    const run = this.#makeRun(request)
    run.isSilent = plugin.quiet === true
    this.#admit(run)
    run.kept.catch((error) => log.error({ rid, error: messageOf(error) }, 'the record could not be written'))
  }

  /** Runs it to its end, which is on disk when this resolves. A refusal is in the record. Throws CONFLICT. */
  async runToEnd(request: RunRequest): Promise<RunRecord> {
    if (this.#isClosing) throw makeStoppingError()
    const run = this.#makeRun(request)
    run.isSilent = request.plugin.quiet === true
    this.#admit(run)
    // A start that cannot be written fails the run, whose end is written until that succeeds.
    run.kept.catch(() => {})
    await run.over.promise
    return run.record.now
  }

  /** Throws NOT_FOUND, CONFLICT. */
  cancel(rid: string): RunRecord {
    const record = this.find(rid)
    if (!record)
      throw new BackupdError('NOT_FOUND', `There is no record "${rid}" on this server`, { facts: { rid } })
    const { state } = record
    const run = this.#register.get(rid)
    if (!run || !canRun('cancel', state)) {
      const facts = { rid, state }
      throw new BackupdError('CONFLICT', `The run ${rid} has ended: it is ${state}`, { facts })
    }
    this.#abort(run, new BackupdError('CANCELLED', 'Cancelled on request'))
    return run.record.now
  }

  /** Aborts all runs and kills those that have not ended after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#watching)
    const reason = new BackupdError('DAEMON_RESTARTED', 'The daemon was stopped while this ran: run it again')
    const runs = this.#register.all()
    for (const run of runs) if (canRun('cancel', run.record.now.state)) this.#abort(run, reason)
    await this.#options.runner.close(graceMs)
    await within(END_TIMEOUT_MS, Promise.all(runs.map((run) => run.over.promise)))
  }

  #makeRun(request: RunRequest): Run {
    return makeRun(request, this.#options, {
      begin: (run) => this.#begin(run),
      pause: (run, isBusy) => this.#idle.pause(run, isBusy),
    })
  }

  #findRefusal(run: Run): BackupdError | undefined {
    return run.refusal ?? this.#options.admit?.(run.plugin.name) ?? this.#findLock(run)
  }

  #findLock({ ticket, args, plugin }: Run): BackupdError | undefined {
    const mayPass = plugin.settlesFirst?.(args) ?? false
    const lock = this.locks.on(ticket.needs).find(({ isUnsettled }) => !(isUnsettled && mayPass))
    if (!lock) return undefined
    const { reason } = lock
    const message = `The volume ${ticket.needs.join(', ')} is locked: ${reason}`
    return new BackupdError('VOLUME_LOCKED', message, { facts: { reason } })
  }

  #findConflict(run: Run): BackupdError | undefined {
    if (this.#isClosing) return makeStoppingError()
    const rival = this.#register.findRival(run)?.record.now
    return rival && makeConflict(run, rival)
  }

  #admit(run: Run): void {
    this.#register.add(run)
    this.#queue.enter(run.ticket)
    if (run.record.now.state === 'queued' && !run.isSilent) run.kept = this.#keep(run.record.now)
  }

  /** The queue calls it when it is the run's turn. */
  #begin(run: Run): void {
    const record = run.record.begin()
    run.log.note(record)
    this.#watch.begin(run)
    this.#idle.begin(run)
    if (!run.isSilent) run.kept = this.#keep(record)
    void this.#execute(run).then((end) => this.#finish(run, end))
  }

  /** Waits until the start is on disk, so that no effect goes unrecorded. */
  async #execute(run: Run): Promise<RunEnd> {
    try {
      await run.kept
      const refusal = this.#findRefusal(run)
      if (refusal) throw refusal
      run.aborting.signal.throwIfAborted()
      const { runner, settings } = this.#options
      const task = makeTask(run, settings, () => this.#watch.isHung(run))
      return await runner.run(task, this.#makeEvents(run))
    } catch (error) {
      return toFailure(error)
    }
  }

  #makeEvents(run: Run): RunnerEvents {
    const { log } = this.#options
    const facts = { rid: run.rid, action: run.plugin.name }
    return {
      progress: (change) => {
        this.#watch.progressed(run, change)
        this.#idle.noteProgress(run, change)
        run.record.progressed(change)
        if (change.bytesDone !== undefined) run.onBytes?.(change.bytesDone)
      },
      alive: () => this.#watch.worked(run),
      killed: (gone) => {
        run.killed = gone
      },
      warn: (message, count = 1) => {
        run.record.warned(message, count)
        run.log.warn(message, count)
      },
      log: (level, message, more = {}) => {
        log[level]({ ...facts, ...more }, message)
        run.log.add(level, message, more)
      },
      owes: (ms) => {
        run.owesWork = ms > 0
      },
      announce: async () => {
        if (!run.isSilent) return
        run.isSilent = false
        run.log.flush()
        run.kept = this.#keep(run.record.now)
        await run.kept
      },
    }
  }

  #abort(run: Run, reason: BackupdError): void {
    if (canRun('endAtOnce', run.record.now.state)) this.#finish(run, toFailure(reason))
    else run.aborting.abort(reason)
  }

  /** Publishes the end of the run before the queue starts runs that waited for it. */
  #finish(run: Run, end: RunEnd): void {
    const record = run.record.end(end)
    run.log.note(record)
    this.failed.note(record, { isQuiet: run.plugin.quiet === true })
    if (run.isSilent) this.#register.forget(run)
    else void this.#keepEnd(run, record)
    this.#register.end(run)
    this.#watch.end(run)
    this.#idle.end(run)
    if (this.#isClosing) this.#queue.leave(run.ticket)
    else if (run.killed) this.#dead.leaveKilled(run, run.killed)
    else if (mayBeHalfDone(run, end)) this.#dead.leaveHalfDone(run)
    else this.#queue.leave(run.ticket)
  }

  async #keepEnd(run: Run, record: RunRecord, { isFirst = true } = {}): Promise<void> {
    try {
      await this.#keep(record)
      this.#register.forget(run)
    } catch (error) {
      const facts = { rid: run.rid, error: messageOf(error) }
      if (isFirst) this.#options.log.error(facts, 'the end of a run could not be written; it is tried again')
      if (this.#isClosing) this.#register.forget(run)
      else setTimeout(() => this.#keepEnd(run, record, { isFirst: false }), RETRY_INTERVAL_MS).unref()
    }
  }
}
