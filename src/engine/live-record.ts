import { type Clock, isoTime } from '../lib/clock.ts'
import { MAX_WARNINGS, makeNoOutcome, type Progress, type RunRecord } from '../wire/record.ts'
import { createSpeedometer } from './speedometer.ts'

/** The least time between two reports of progress. */
const MIN_PROGRESS_INTERVAL_MS = 200

const NO_PROGRESS: Progress = {
  phase: 'start',
  bytesDone: 0,
  bytesTotal: null,
  filesDone: 0,
  filesTotal: null,
  currentPath: null,
  bytesPerSecond: null,
  etaSeconds: null,
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
  readonly #onProgress: (record: RunRecord) => void
  readonly #speed = createSpeedometer()
  #record: RunRecord
  #progress: Progress | null = null
  #warnings: string[] = []
  #warningCount = 0
  #pause: NodeJS.Timeout | undefined
  #isDirty = false

  constructor(origin: RunOrigin, clock: Clock, onProgress: (record: RunRecord) => void) {
    this.#clock = clock
    this.#onProgress = onProgress
    this.#record = {
      ...origin,
      seq: 0,
      attempt: 1,
      state: 'queued',
      start: isoTime(clock.now()),
      ...makeNoOutcome(),
    }
  }

  get now(): RunRecord {
    return this.#record
  }

  /** Makes the next version, which includes progress and warnings reported since the last. */
  change(change: Partial<RunRecord>): RunRecord {
    const warnings =
      this.#warnings.length > this.#record.warnings.length ? [...this.#warnings] : this.#record.warnings
    const reported = { progress: this.#progress, warnings, warningCount: this.#warningCount }
    this.#record = { ...this.#record, ...reported, ...change, seq: this.#record.seq + 1 }
    this.#isDirty = false
    return this.#record
  }

  begin(): RunRecord {
    return this.change({ state: 'running', start: isoTime(this.#clock.now()) })
  }

  /** Makes the last version. */
  end(change: Pick<RunRecord, 'state' | 'reason'> & Partial<RunRecord>): RunRecord {
    clearTimeout(this.#pause)
    return this.change({ ...change, end: isoTime(this.#clock.now()) })
  }

  progressed(change: Partial<Progress>): void {
    const progress = { ...(this.#progress ?? NO_PROGRESS), ...change }
    this.#progress = { ...progress, ...this.#speed(progress, this.#clock.now()) }
    this.#reportSoon()
  }

  warned(message: string, count: number): void {
    this.#warningCount += count
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(message)
    this.#reportSoon()
  }

  /** Reports the first change immediately, then the newest version after each pause. */
  #reportSoon(): void {
    this.#isDirty = true
    if (this.#pause || this.#record.end !== null) return
    this.#onProgress(this.change({}))
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#isDirty) this.#reportSoon()
    }, MIN_PROGRESS_INTERVAL_MS)
    this.#pause.unref()
  }
}
