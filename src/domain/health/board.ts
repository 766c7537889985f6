import { isTerminal, type RunRecord } from '../../wire/record.ts'
import type { EndedRun, KeptJobHealth, VolumeCondition } from '../health-ports.ts'
import type { Plan, PlannedJob, PlannedVolume } from '../plan.ts'
import { Deadlines } from './deadlines.ts'
import {
  addBackup,
  applyKept,
  type JobEntry,
  newEntry,
  readMode,
  readStanding,
  replaceEntry,
  toEndedRun,
  type VolumeEntry,
} from './entries.ts'
import type { JudgingClock } from './judging-clock.ts'
import { PeriodJournal } from './period-journal.ts'
import { PlannedTimes } from './planned-times.ts'
import { type JobFacts, judgeJob, readDeadline } from './rules.ts'
import { type ServerFacts, ServerTable } from './server-table.ts'
import { findWorst, isSameStanding, joinStandings, VOLUME_STATES, type VolumeState } from './states.ts'
import { StoreHistory } from './store-history.ts'

export interface BoardOptions {
  clock: JudgingClock
  minGraceMs: number
}

/** What the catalog knows of a job. */
export interface LoadedJob {
  /** Its own row, or that of the job it inherits from. */
  row: KeptJobHealth | undefined
  lastRun: EndedRun | null
  condition: VolumeCondition
}

/** The health of every planned backup job. Each piece of news is judged at once, and only the job that it is about. */
export class HealthBoard {
  readonly clock: JudgingClock
  readonly times = new PlannedTimes()
  /** The plan whose volumes were taken over. */
  adopted: Plan | undefined
  /** What the catalog has to be asked for, or told. */
  readonly toLoad = new Set<JobEntry>()
  readonly toMeasure = new Set<JobEntry>()
  readonly toSave = new Set<JobEntry>()
  readonly toRemove = new Set<string>()
  readonly paused = new Set<JobEntry>()
  /** Unix ms. */
  pausesReportedAt = Number.NEGATIVE_INFINITY
  readonly stores = new StoreHistory()
  readonly servers: ServerTable
  readonly periods: PeriodJournal
  readonly #minGraceMs: number
  readonly #jobs = new Map<string, JobEntry>()
  /** By volumeIdentity. */
  readonly #volumes = new Map<string, VolumeEntry>()
  readonly #byPlanned = new WeakMap<PlannedVolume, VolumeEntry>()
  readonly #byState = new Map<VolumeState, Set<VolumeEntry>>(VOLUME_STATES.map((state) => [state, new Set()]))
  readonly #deadlines = new Deadlines<JobEntry>()

  constructor({ clock, minGraceMs }: BoardOptions) {
    this.clock = clock
    this.servers = new ServerTable(clock)
    this.periods = new PeriodJournal(clock)
    this.#minGraceMs = minGraceMs
  }

  /** undefined for a volume of a plan that was not taken over yet. */
  findVolume(volume: PlannedVolume): VolumeEntry | undefined {
    return this.#byPlanned.get(volume)
  }

  findJob(id: string): JobEntry | undefined {
    return this.#jobs.get(id)
  }

  /** The volumes whose worst state it is. */
  listIn(state: VolumeState): ReadonlySet<VolumeEntry> {
    return this.#byState.get(state) ?? new Set()
  }

  identities(): Iterable<string> {
    return this.#volumes.keys()
  }

  /** Takes over a volume of a new plan; does nothing for one that did not change. */
  takeVolume(identity: string, volume: PlannedVolume): void {
    const known = this.#volumes.get(identity)
    if (known?.planned === volume) return
    const entry: VolumeEntry = known ?? { planned: volume, jobs: [], state: 'UNKNOWN' }
    entry.planned = volume
    this.#volumes.set(identity, entry)
    this.#byPlanned.set(volume, entry)
    this.#replaceJobs(entry, volume.jobs)
    this.#sort(entry)
  }

  dropVolume(identity: string): void {
    const entry = this.#volumes.get(identity)
    if (!entry) return
    for (const job of entry.jobs) this.#forget(job)
    this.#volumes.delete(identity)
    this.#byState.get(entry.state)?.delete(entry)
  }

  #replaceJobs(entry: VolumeEntry, planned: readonly PlannedJob[]): void {
    const ids = new Set(planned.map(({ id }) => id))
    const leaving = entry.jobs.filter((job) => !ids.has(job.planned.id))
    for (const job of leaving) this.#forget(job)
    entry.jobs = planned.map((job) => this.#keepJob(entry, job) ?? this.#addJob(entry, job, leaving))
  }

  #keepJob(volume: VolumeEntry, planned: PlannedJob): JobEntry | undefined {
    const known = this.#jobs.get(planned.id)
    if (known?.volume !== volume) return undefined
    known.planned = planned
    return known
  }

  /** @param leaving the jobs of the volume that the new plan does not have: one of the same mode is its predecessor */
  #addJob(volume: VolumeEntry, planned: PlannedJob, leaving: JobEntry[]): JobEntry {
    const sameMode = leaving.filter(({ mode }) => mode === readMode(planned))
    const earlier = sameMode.find((job) => job.planned.job.spec === planned.job.spec) ?? sameMode[0]
    if (earlier) leaving.splice(leaving.indexOf(earlier), 1)
    const now = this.clock.judgingTime()
    const entry = earlier ? replaceEntry(earlier, planned, now) : newEntry(planned, volume, now)
    this.#jobs.set(planned.id, entry)
    this.toRemove.delete(planned.id)
    this.toLoad.add(entry)
    return entry
  }

  #forget(entry: JobEntry): void {
    const { id } = entry.planned
    this.#jobs.delete(id)
    for (const list of [this.toLoad, this.toMeasure, this.toSave, this.paused]) list.delete(entry)
    this.toRemove.add(id)
    this.periods.close(id)
  }

  /** A run of a job began or ended, as it is on disk. */
  noteRun(record: RunRecord): void {
    const entry = this.#jobs.get(record.jobId)
    if (!entry || record.action !== 'backup') return
    if (isTerminal(record.state)) this.#noteEnd(entry, record)
    else if (entry.lastRun?.rid === record.rid) this.toLoad.add(entry)
  }

  #noteEnd(entry: JobEntry, record: RunRecord): void {
    const run = toEndedRun(record, this.servers.readTime(record.server, record.end))
    const isNewest = !entry.lastRun || run.at >= entry.lastRun.at || run.rid === entry.lastRun.rid
    entry.version += 1
    if (record.state === 'success' || record.state === 'partial') entry.graceMs = null
    if (isNewest) entry.lastRun = run
    if (isNewest && entry.inherits !== null) {
      entry.inherits = null
      this.toSave.add(entry)
    }
    const condition = addBackup(entry.condition, record, isNewest)
    for (const job of entry.volume.jobs) if (job.mode === entry.mode) job.condition = condition
    for (const job of entry.volume.jobs) if (job.mode === entry.mode) this.judge(job)
  }

  /** @param isAsleep whether a job sleeps; undefined if the daemon's list does not have it */
  noteServer(server: string, facts: ServerFacts, jobs: Map<string, boolean | undefined>): void {
    const before = this.servers.replace(server, facts)
    const isOtherZone = before.zone !== facts.zone
    for (const [id, isAsleep] of jobs) {
      const entry = this.#jobs.get(id)
      if (!entry?.isLoaded) continue
      if (isOtherZone && before.zone !== null) {
        this.periods.close(id)
        this.#openPeriod(entry)
      }
      const changed = this.#notePause(entry, facts.isStopped || isAsleep)
      if (changed || isOtherZone) this.judge(entry)
    }
  }

  #notePause(entry: JobEntry, isPaused: boolean | undefined): boolean {
    if (isPaused === undefined || isPaused === (entry.pausedSince !== null)) return false
    const now = this.clock.judgingTime()
    entry.pausedSince = isPaused ? now : null
    if (!isPaused) entry.countedFrom = now
    if (isPaused) this.periods.close(entry.planned.id)
    else this.#openPeriod(entry)
    this.toSave.add(entry)
    return true
  }

  /** The backups of these jobs may have changed in the store, or a run that was lost goes on. */
  reload(jobIds: Iterable<string>): void {
    for (const id of jobIds) {
      const entry = this.#jobs.get(id)
      if (entry) this.toLoad.add(entry)
    }
  }

  applyLoaded(entry: JobEntry, { row, lastRun, condition }: LoadedJob): void {
    this.toLoad.delete(entry)
    const { server, id } = entry.planned
    if (this.#jobs.get(id) !== entry) return
    if (!entry.isLoaded && row) applyKept(entry, row)
    if (!entry.isLoaded && row?.jobId !== id) {
      this.toSave.add(entry)
      this.#openPeriod(entry)
    }
    entry.isLoaded = true
    entry.lastRun = lastRun && { ...lastRun, at: this.servers.readTime(server, lastRun.at) }
    entry.condition = condition
    this.judge(entry)
  }

  /** @param medianMs of the lengths of its runs; 0 if it has none */
  applyMeasured(entry: JobEntry, medianMs: number): void {
    entry.graceMs = Math.max(medianMs, this.#minGraceMs)
    this.toMeasure.delete(entry)
    this.judge(entry)
  }

  /** Lists those whose state may have changed because time passed; judge them. */
  takeDue(): JobEntry[] {
    const due = this.#deadlines.take(this.clock.judgingTime())
    for (const entry of due) entry.checkAt = Number.NaN
    return due
  }

  judge(entry: JobEntry): void {
    if (!entry.isLoaded || this.#jobs.get(entry.planned.id) !== entry) return
    const now = this.clock.judgingTime()
    const facts = this.readFacts(entry)
    const standing = judgeJob(facts, entry.standing, now)
    this.#scheduleCheck(entry, facts, now)
    if (!isSameStanding(standing, entry.standing)) this.toSave.add(entry)
    entry.standing = standing
    if (standing.PAUSED === undefined) this.paused.delete(entry)
    else this.paused.add(entry)
    this.#sort(entry.volume)
  }

  readFacts(entry: JobEntry): JobFacts {
    const { pausedSince, lastRun, condition, countedFrom, graceMs } = entry
    const { lastGoodAt, newest } = condition
    const lastSignAt = Math.max(countedFrom, lastRun?.at ?? 0, lastGoodAt ?? 0, newest?.at ?? 0)
    const { server, job } = entry.planned
    const next = (after: number) => this.times.next(job.spec, this.servers.readZone(server), after)
    const firstDue = lastGoodAt === null ? next(countedFrom) : null
    return { pausedSince, lastRun, condition, countedFrom, graceMs, firstDue, due: next(lastSignAt) }
  }

  /** Sets when the job is judged again, and has its grace measured if that matters now. */
  #scheduleCheck(entry: JobEntry, { firstDue, due, graceMs, pausedSince }: JobFacts, now: number): void {
    if (pausedSince !== null) return
    const grace = graceMs ?? this.#minGraceMs
    const ends = [firstDue, due].map((time) => readDeadline(time, grace)).filter((time) => time !== null)
    if (graceMs === null && ends.some((end) => end <= now)) this.toMeasure.add(entry)
    const checkAt = Math.min(...ends.filter((end) => end > now))
    if (checkAt === Number.POSITIVE_INFINITY || checkAt === entry.checkAt) return
    entry.checkAt = checkAt
    this.#deadlines.set(entry, checkAt)
  }

  #openPeriod(entry: JobEntry): void {
    if (entry.pausedSince !== null) return
    this.periods.open(entry.planned, this.servers.readZone(entry.planned.server))
  }

  /** Moves the volume to its present state. */
  #sort(volume: VolumeEntry): void {
    this.#byState.get(volume.state)?.delete(volume)
    volume.state = findWorst(joinStandings(volume.jobs.map(readStanding)))
    this.#byState.get(volume.state)?.add(volume)
  }
}
