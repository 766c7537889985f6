import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Clock, isoTime, NEVER } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { followsElapsedTime, parseSpec, type Schedule } from '../lib/schedule/spec.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import type { EngineMemory } from './ports.ts'
import { carrySleep, type SleepCarrier, type SleepMark } from './sleep-marks.ts'
import { SMALL_STEP_BACK_MS, Timers } from './timers.ts'

export interface JobTableOptions {
  clock: Clock
  /** The clock that measures the age of sleep marks of jobs that left the list. */
  agingClock: Clock
  log: Log
  memory: EngineMemory
  /** Whether a job may have this action. */
  isAction(action: string): boolean
  /** A job is due; `dueAt` is the scheduled time, unix ms. */
  onDue(job: Job, dueAt: number): void
}

export interface SetJobsResult {
  accepted: number
  dropped: { id: string; reason: string }[]
}

interface JobEntry {
  job: Job
  schedule: Schedule
  /** Unix ms. `prev`: when the schedule last ran the job. `lastDue`: the last scheduled time fired since the start. */
  prev: number | undefined
  lastDue: number | undefined
  /** The change of the table that last changed what list() shows of it. */
  changedBy: number
}

/** The jobs with their sleep marks and timers. Every change is persisted before the call returns. */
export class JobTable {
  readonly #options: JobTableOptions
  #entries = new Map<string, JobEntry>()
  #timers: Timers | undefined
  #version: string
  #lastResult: SetJobsResult = { accepted: 0, dropped: [] }
  #updatedAt: number | undefined
  #left: SleepMark[]
  /** Distinguishes the versions of this process from those of another one. */
  readonly #epoch = randomBytes(6).toString('hex')
  #changes = 0
  /** The change that last replaced or rescheduled all jobs. */
  #allChangedBy = 0

  constructor(options: JobTableOptions) {
    this.#options = options
    const { jobs, version } = options.memory.loadJobs()
    this.#version = version
    this.#left = options.memory.loadSleepMarks()
    for (const { id, reason } of this.#replaceEntries(jobs).dropped) {
      options.log.error({ job: id }, `a remembered job is dropped: ${reason}`)
    }
    for (const [id, at] of options.memory.lastStarts()) {
      const entry = this.#entries.get(id)
      if (entry) entry.prev = at
    }
  }

  get updateTime(): string {
    return this.#updatedAt === undefined ? NEVER : isoTime(this.#updatedAt)
  }

  /** The version of the jobs, as their sender named it; empty if it did not. */
  get version(): string {
    return this.#version
  }

  /** Changes with everything that list() shows: jobs, times, sleep marks. */
  get listVersion(): string {
    return `${this.#epoch}-${this.#changes}`
  }

  /** The jobs changed since this version of the list; undefined if only the whole list shows that. */
  listSince(listVersion: string): ScheduledJob[] | undefined {
    const [epoch, number = ''] = listVersion.split('-')
    const since = /^\d+$/.test(number) ? Number(number) : Number.NaN
    const isKnown = epoch === this.#epoch && since >= this.#allChangedBy && since <= this.#changes
    if (!isKnown) return undefined
    const changed = [...this.#entries.values()].filter(({ changedBy }) => changedBy > since)
    return changed.map((entry) => this.#describe(entry))
  }

  get status(): 'started' | 'stopped' {
    return this.#timers ? 'started' : 'stopped'
  }

  set(jobs: readonly Job[], version: string): SetJobsResult {
    if (this.#updatedAt !== undefined && version !== '' && version === this.#version) return this.#lastResult
    const before = this.#jobs()
    const carrier = this.#carrySleep(jobs)
    this.#lastResult = this.#replaceEntries(jobs, carrier)
    this.#left = carrier.rest()
    const after = this.#jobs()
    if (version !== this.#version || !isDeepStrictEqual(before, after)) {
      this.#options.memory.saveJobs(after, version, this.#left)
    }
    this.#version = version
    this.#updatedAt = this.#options.clock.now()
    return this.#lastResult
  }

  start(): void {
    if (this.#timers) return
    this.#timers = new Timers({
      clock: this.#options.clock,
      onDue: (ids, dueAt) => this.#fire(ids, dueAt),
      onNext: (ids) => this.#noteChange(ids),
    })
    for (const entry of this.#entries.values()) this.#schedule(entry)
    this.#noteChangeOfAll()
  }

  stop(): void {
    this.#timers?.close()
    this.#timers = undefined
    this.#noteChangeOfAll()
  }

  get(id: string): ScheduledJob | undefined {
    const entry = this.#entries.get(id)
    return entry && this.#describe(entry)
  }

  /** Sorted by next time; jobs without one come last. */
  list(): ScheduledJob[] {
    const next = (job: ScheduledJob) => (job.next === NEVER ? '~' : job.next)
    const jobs = [...this.#entries.values()].map((entry) => this.#describe(entry))
    return jobs.sort((a, b) => (next(a) < next(b) ? -1 : Number(next(a) > next(b))))
  }

  /** How many of them sleep, and how many do not. */
  count(): { awake: number; asleep: number } {
    let asleep = 0
    for (const { job } of this.#entries.values()) if (job.sleep) asleep++
    return { awake: this.#entries.size - asleep, asleep }
  }

  /** Throws NOT_FOUND. */
  find(id: string): Job {
    const entry = this.#entries.get(id)
    if (entry) return entry.job
    throw new BackupdError('NOT_FOUND', `There is no job "${id}" on this server`, { facts: { id } })
  }

  /** Throws NOT_FOUND. */
  setAsleep(id: string, asleep: boolean): void {
    const job = this.find(id)
    const entry = this.#entries.get(id)
    if (!entry || job.sleep === asleep) return
    this.#options.memory.saveSleep(id, asleep)
    entry.job = { ...job, sleep: asleep }
    this.#schedule(entry)
    this.#noteChange([id])
  }

  #noteChange(ids: Iterable<string>): void {
    this.#changes += 1
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry) entry.changedBy = this.#changes
    }
  }

  #noteChangeOfAll(): void {
    this.#changes += 1
    this.#allChangedBy = this.#changes
  }

  #jobs(): Job[] {
    return [...this.#entries.values()].map((entry) => entry.job)
  }

  /** Collects the sleep marks of jobs that this list no longer has and of those that left earlier. */
  #carrySleep(jobs: readonly Job[]): SleepCarrier {
    const ids = new Set(jobs.map(({ id }) => id))
    const leaving = this.#jobs().filter(({ id, sleep }) => sleep && !ids.has(id))
    for (const { id } of leaving)
      this.#options.log.warn(
        { job: id },
        'A sleeping job left the list: a new job of its volume will sleep too',
      )
    return carrySleep(this.#left, leaving, this.#options.agingClock.now())
  }

  #replaceEntries(jobs: readonly Job[], carrier?: SleepCarrier): SetJobsResult {
    const entries = new Map<string, JobEntry>()
    const dropped: SetJobsResult['dropped'] = []
    const parse = createCachedParser()
    for (const job of jobs) {
      try {
        if (entries.has(job.id)) throw new Error(`another job of this list has the id "${job.id}"`)
        entries.set(job.id, this.#makeEntry(job, parse, carrier))
      } catch (error) {
        dropped.push({ id: job.id, reason: messageOf(error) })
      }
    }
    for (const id of this.#entries.keys()) if (!entries.has(id)) this.#timers?.remove(id)
    this.#entries = entries
    for (const entry of entries.values()) this.#schedule(entry)
    this.#noteChangeOfAll()
    return { accepted: entries.size, dropped }
  }

  #makeEntry(job: Job, parse: (spec: string) => Schedule, carrier: SleepCarrier | undefined): JobEntry {
    if (!this.#options.isAction(job.action)) throw new Error(`the action "${job.action}" does not exist`)
    const schedule = parse(job.spec)
    const known = this.#entries.get(job.id)
    const lastDue = known?.job.spec === job.spec ? known.lastDue : undefined
    const sleep = known?.job.sleep ?? (job.sleep || this.#claimSleep(job, carrier))
    return { job: { ...job, sleep }, schedule, prev: known?.prev, lastDue, changedBy: 0 }
  }

  #claimSleep(job: Job, carrier: SleepCarrier | undefined): boolean {
    const isAsleep = carrier?.claim(job) ?? false
    if (isAsleep)
      this.#options.log.warn({ job: job.id }, 'A new job sleeps, because the earlier job of its volume did')
    return isAsleep
  }

  #schedule({ job, schedule }: JobEntry): void {
    if (job.sleep) this.#timers?.remove(job.id)
    else this.#timers?.add(job.id, job.spec.trim(), schedule)
  }

  #fire(ids: readonly string[], dueAt: number): void {
    this.#noteChange(ids)
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (!entry || hasFired(entry, dueAt)) continue
      entry.lastDue = dueAt
      entry.prev = dueAt
      try {
        this.#options.onDue(entry.job, dueAt)
      } catch (error) {
        this.#options.log.error({ job: id, error: messageOf(error) }, 'a due job could not be started')
      }
    }
  }

  #describe({ job, prev }: JobEntry): ScheduledJob {
    const next = this.#timers?.next(job.id)
    return {
      prev: prev === undefined ? NEVER : isoTime(prev),
      next: next === undefined ? NEVER : isoTime(next),
      job,
    }
  }
}

/** Whether the job already ran for this time: the clock was set back a little and the same time came again. */
function hasFired({ lastDue, schedule }: JobEntry, dueAt: number): boolean {
  if (followsElapsedTime(schedule)) return lastDue === dueAt
  return lastDue !== undefined && lastDue >= dueAt && lastDue - dueAt <= SMALL_STEP_BACK_MS
}

function createCachedParser(): (spec: string) => Schedule {
  const known = new Map<string, Schedule>()
  return (spec) => {
    const schedule = known.get(spec) ?? parseSpec(spec)
    known.set(spec, schedule)
    return schedule
  }
}
