import { type Clock, isoTime } from '../lib/clock.ts'
import { MAX_WARNINGS, makeNoOutcome, type Progress, type RunRecord } from '../wire/record.ts'
import { QUEUE_PHASE, START_PHASE } from '../wire/run-phase.ts'
import { PhaseList } from './phase-list.ts'
import { createSpeedometer } from './speedometer.ts'

/** A shorter wait for its turn is not told as a phase of a run. */
const MIN_QUEUE_MS = 1000
/** The least time between two reports of progress. */
const MIN_PROGRESS_INTERVAL_MS = 200

const NO_PROGRESS: Progress = {
  phase: START_PHASE,
  bytesDone: 0,
  bytesTotal: null,
  filesDone: 0,
  filesTotal: null,
  currentPath: null,
  bytesPerSecond: null,
  etaSeconds: null,
}

export interface LiveRecordEvents {
  progressed(record: RunRecord): unknown
  /** A phase of a running run has begun. */
  phaseBegun(record: RunRecord): unknown
}

export interface RunOrigin {
  rid: string
  jobId: string
  spec: string
  action: string
  args: Record<string, unknown>
  type: RunRecord['type']
  server: string
}

/** The record of a run that has not ended. Each change makes a new version with the next `seq`. */
export class LiveRecord {
  readonly #clock: Clock
  readonly #on: LiveRecordEvents
  readonly #speed = createSpeedometer()
  readonly #phases = new PhaseList()
  readonly #requestedAt: number
  #record: RunRecord
  #progress: Progress | null = null
  #warnings: string[] = []
  #warningCount = 0
  #pause: NodeJS.Timeout | undefined
  #isDirty = false

  constructor(origin: RunOrigin, clock: Clock, on: LiveRecordEvents) {
    this.#clock = clock
    this.#on = on
    this.#requestedAt = clock.now()
    this.#phases.enter(QUEUE_PHASE, this.#requestedAt)
    this.#record = {
      ...origin,
      seq: 0,
      attempt: 1,
      state: 'queued',
      start: isoTime(this.#requestedAt),
      ...makeNoOutcome(),
      phases: this.#phases.list,
    }
  }

  get now(): RunRecord {
    return this.#record
  }

  /** Makes the next version, which includes the phases, progress and warnings reported since the last. */
  change(change: Partial<RunRecord>): RunRecord {
    const warnings =
      this.#warnings.length > this.#record.warnings.length ? [...this.#warnings] : this.#record.warnings
    const reported = { progress: this.#progress, warnings, warningCount: this.#warningCount }
    const phases = this.#phases.list
    this.#record = { ...this.#record, ...reported, phases, ...change, seq: this.#record.seq + 1 }
    this.#isDirty = false
    return this.#record
  }

  begin(): RunRecord {
    const now = this.#clock.now()
    if (now - this.#requestedAt < MIN_QUEUE_MS) this.#phases.forgetLast()
    this.#phases.enter(START_PHASE, now)
    return this.change({ state: 'running', start: isoTime(now) })
  }

  /** Makes the last version. */
  end(change: Pick<RunRecord, 'state' | 'reason'> & Partial<RunRecord>): RunRecord {
    clearTimeout(this.#pause)
    const now = this.#clock.now()
    this.#phases.end(now)
    return this.change({ ...change, end: isoTime(now) })
  }

  progressed(change: Partial<Progress>): void {
    if (this.#record.end !== null) return
    const now = this.#clock.now()
    const progress = { ...(this.#progress ?? NO_PROGRESS), ...change }
    this.#progress = { ...progress, ...this.#speed(progress, now) }
    const isNewPhase = this.#phases.enter(progress.phase, now)
    this.#phases.count(progress.bytesDone)
    this.#reportSoon()
    if (isNewPhase) this.#notePhase()
  }

  warned(message: string, count: number): void {
    this.#warningCount += count
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(message)
    this.#reportSoon()
  }

  #notePhase(): void {
    const isUnreported = this.#isDirty
    this.#on.phaseBegun(isUnreported ? this.change({}) : this.#record)
    this.#isDirty = isUnreported
  }

  /** Reports the first change immediately, then the newest version after each pause. */
  #reportSoon(): void {
    this.#isDirty = true
    if (this.#pause || this.#record.end !== null) return
    this.#on.progressed(this.change({}))
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#isDirty) this.#reportSoon()
    }, MIN_PROGRESS_INTERVAL_MS)
    this.#pause.unref()
  }
}
