import { DRILL_ACTION } from '../../wire/drill.ts'
import { isTerminal, type RunRecord } from '../../wire/record.ts'
import { VERIFY_ACTION } from '../../wire/verification.ts'
import {
  comparePlacesAndServers,
  findPlannedJob,
  findVolumeByPath,
  type Plan,
  type PlannedJob,
  type PlannedVolume,
} from '../plan.ts'
import { Deadlines } from './deadlines.ts'
import { addBackup, applyKept, inheritFacts, type LoadedJob, toEndedRun } from './entries.ts'
import { JobEntry, type VolumeEntry } from './job-entry.ts'
import { JobNumbers } from './job-numbers.ts'
import type { JudgingClock } from './judging-clock.ts'
import { PeriodJournal } from './period-journal.ts'
import { PlannedTimes } from './planned-times.ts'
import { findProvenUntil, isJobProven } from './proofs.ts'
import { type JobFacts, judgeJob, listDeadlines } from './rules.ts'
import { type ServerFacts, ServerTable } from './server-table.ts'
import { isSameStanding } from './states.ts'
import { StoreHistory } from './store-history.ts'
import { VolumesByState } from './volumes-by-state.ts'

export interface BoardOptions {
  clock: JudgingClock
  minGraceMs: number
}

/** The health of every planned backup job. Each piece of news is judged at once, and only the job that it is about. */
export class HealthBoard {
  readonly clock: JudgingClock
  readonly times = new PlannedTimes()
  /** The plan whose volumes were taken over, and the next one while that is done. Jobs are found by them. */
  adopted: Plan | undefined
  adopting: Plan | undefined
  /** What the catalog has to be asked for, or told. */
  readonly toLoad = new Set<JobEntry>()
  readonly toMeasure = new Set<JobEntry>()
  readonly toSave = new Set<JobEntry>()
  readonly toRemove = new Set<string>()
  readonly paused = new Set<JobEntry>()
  /** Unix ms. */
  pausesReportedAt = Number.NEGATIVE_INFINITY
  readonly volumes = new VolumesByState()
  readonly stores = new StoreHistory()
  readonly servers: ServerTable
  readonly periods: PeriodJournal
  readonly #minGraceMs: number
  readonly #table = new JobNumbers()
  readonly #entries = new Map<PlannedVolume, VolumeEntry>()
  readonly #deadlines = new Deadlines<JobEntry>()

  constructor({ clock, minGraceMs }: BoardOptions) {
    this.clock = clock
    this.servers = new ServerTable(clock)
    this.periods = new PeriodJournal(clock)
    this.#minGraceMs = minGraceMs
  }

  /** undefined for a volume of a plan that was not taken over yet. */
  findVolume(volume: PlannedVolume): VolumeEntry | undefined {
    return this.#entries.get(volume)
  }

  findJob(id: string): JobEntry | undefined {
    for (const plan of [this.adopting, this.adopted]) {
      const volume = plan && findPlannedJob(plan, id)?.volume
      const job = volume && this.#entries.get(volume)?.jobs.find(({ planned }) => planned.id === id)
      if (job) return job
    }
    return undefined
  }

  /** Whether each mode of the volume has a proof that is not too old. */
  isVolumeProven(volume: PlannedVolume): boolean {
    const entry = this.#entries.get(volume)
    return entry !== undefined && this.volumes.isProven(entry)
  }

  /**
   * Takes over a volume of a new plan; does nothing for one that did not change.
   * @param earlier what an edited or moved volume was in the plan before
   */
  takeVolume(volume: PlannedVolume, earlier: PlannedVolume | undefined): void {
    if (this.#entries.has(volume)) return
    const known = earlier && this.#entries.get(earlier)
    // An instance that moved to two servers at once has one predecessor, which only the first of them takes over.
    const isFree = known?.planned === earlier
    const entry: VolumeEntry = (isFree && known) || { planned: volume, jobs: [], state: 'UNKNOWN' }
    const left = entry.planned
    entry.planned = volume
    this.#entries.set(volume, entry)
    this.#replaceJobs(entry, volume.jobs)
    this.#sort(entry)
    if (comparePlacesAndServers(left, volume) === 0) return
    this.volumes.listener?.left(left)
    this.volumes.listener?.changed(entry)
  }

  /** Drops a volume that the new plan does not have, or has as another one that was taken over. */
  dropVolume(volume: PlannedVolume): void {
    const entry = this.#entries.get(volume)
    this.#entries.delete(volume)
    if (entry?.planned !== volume) return
    for (const job of entry.jobs) this.#forget(job)
    this.volumes.remove(entry)
  }

  #replaceJobs(entry: VolumeEntry, planned: readonly PlannedJob[]): void {
    const ids = new Set(planned.map(({ id }) => id))
    const leaving = entry.jobs.filter((job) => !ids.has(job.planned.id))
    for (const job of leaving) this.#forget(job)
    entry.jobs = planned.map((job) => this.#keepJob(entry, job) ?? this.#addJob(entry, job, leaving))
  }

  #keepJob(volume: VolumeEntry, planned: PlannedJob): JobEntry | undefined {
    const known = volume.jobs.find((job) => job.planned.id === planned.id)
    if (known) known.planned = planned
    return known
  }

  /** @param leaving the jobs of the volume that the new plan does not have: one of the same mode is its predecessor */
  #addJob(volume: VolumeEntry, planned: PlannedJob, leaving: JobEntry[]): JobEntry {
    const sameMode = leaving.filter(({ mode }) => mode === planned.mode)
    const earlier = sameMode.find((job) => job.planned.spec === planned.spec) ?? sameMode[0]
    if (earlier) leaving.splice(leaving.indexOf(earlier), 1)
    const entry = new JobEntry(this.#table, planned, volume)
    entry.countedFrom = this.clock.judgingTime()
    if (earlier) inheritFacts(entry, earlier)
    this.toRemove.delete(planned.id)
    this.toLoad.add(entry)
    return entry
  }

  #forget(entry: JobEntry): void {
    const { id } = entry.planned
    entry.leave()
    for (const list of [this.toLoad, this.toMeasure, this.toSave, this.paused]) list.delete(entry)
    this.toRemove.add(id)
    this.periods.close(id)
  }

  /** A run of a job began or ended, as it is on disk. */
  noteRun(record: RunRecord): void {
    if (record.action === VERIFY_ACTION || record.action === DRILL_ACTION) this.#noteProof(record)
    const entry = this.findJob(record.jobId)
    if (!entry || record.action !== 'backup') return
    if (isTerminal(record.state)) this.#noteEnd(entry, record)
    else if (entry.lastRun?.rid === record.rid) this.toLoad.add(entry)
  }

  /** The proof counts for all backups of its volume and mode. */
  #noteProof({ state, result, server }: RunRecord): void {
    const { source, mode } = result?.backup ?? {}
    if (!isTerminal(state) || source === undefined) return
    for (const plan of [this.adopting, this.adopted]) {
      const volume = plan && findVolumeByPath(plan, server, source)
      const jobs = (volume && this.#entries.get(volume)?.jobs) ?? []
      for (const job of jobs) if (job.mode === mode) this.toLoad.add(job)
    }
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
    const isOther = isOtherZone || before.verifies !== facts.verifies
    for (const [id, isAsleep] of jobs) {
      const entry = this.findJob(id)
      if (!entry?.isLoaded) continue
      if (isOtherZone && before.zone !== null) {
        this.periods.close(id)
        this.#openPeriod(entry)
      }
      const changed = this.#notePause(entry, facts.isStopped || isAsleep)
      if (changed || isOther) this.judge(entry)
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
      const entry = this.findJob(id)
      if (entry) this.toLoad.add(entry)
    }
  }

  applyLoaded(entry: JobEntry, { row, lastRun, condition }: LoadedJob): void {
    this.toLoad.delete(entry)
    if (entry.isGone) return
    const { server, id } = entry.planned
    if (!entry.isLoaded && row) applyKept(entry, row)
    if (!entry.isLoaded && row?.jobId !== id) {
      this.toSave.add(entry)
      this.#openPeriod(entry)
    }
    if (entry.proofFrom === null) {
      entry.proofFrom = this.clock.judgingTime()
      this.toSave.add(entry)
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
    const now = this.clock.judgingTime()
    const due = this.#deadlines.take(now).filter(({ checkAt }) => checkAt !== null && checkAt <= now)
    for (const entry of due) entry.checkAt = null
    return due
  }

  judge(entry: JobEntry): void {
    if (!entry.isLoaded || entry.isGone) return
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
    const provenUntil = this.#findProvenUntil(entry)
    const { lastGoodAt, newest } = condition
    const lastSignAt = Math.max(countedFrom, lastRun?.at ?? 0, lastGoodAt ?? 0, newest?.at ?? 0)
    const { server, spec } = entry.planned
    const next = (after: number) => this.times.next(spec, this.servers.readZone(server), after)
    const firstDue = lastGoodAt === null ? next(countedFrom) : null
    const due = next(lastSignAt)
    return { pausedSince, lastRun, condition, countedFrom, graceMs, firstDue, due, provenUntil }
  }

  #findProvenUntil(entry: JobEntry): number | null {
    return this.servers.verifies(entry.planned.server) ? findProvenUntil(entry, this.clock.now()) : null
  }

  /** Sets when the job is judged again, and has its grace measured if that matters now. */
  #scheduleCheck(entry: JobEntry, facts: JobFacts, now: number): void {
    const ends = listDeadlines(facts, this.#minGraceMs)
    if (facts.graceMs === null && ends.some((end) => end <= now)) this.toMeasure.add(entry)
    const checkAt = Math.min(...[...ends, facts.provenUntil ?? now].filter((end) => end > now))
    // An earlier check comes all the same, and sets the next one.
    if (checkAt === Number.POSITIVE_INFINITY || (entry.checkAt !== null && entry.checkAt <= checkAt)) return
    entry.checkAt = checkAt
    this.#deadlines.set(entry, checkAt)
  }

  #openPeriod(entry: JobEntry): void {
    if (entry.pausedSince !== null) return
    this.periods.open(entry.planned, this.servers.readZone(entry.planned.server))
  }

  #sort(volume: VolumeEntry): void {
    this.volumes.sort(volume, (job) => isJobProven(job, this.#findProvenUntil(job)))
  }
}
