import type { PeriodChange } from '../health-ports.ts'
import type { PlannedJob } from '../plan.ts'
import type { JudgingClock } from './judging-clock.ts'

/** When schedules were in force, as changes that are still to be stored, in their order. */
export class PeriodJournal {
  readonly #clock: JudgingClock
  #changes: PeriodChange[] = []

  constructor(clock: JudgingClock) {
    this.#clock = clock
  }

  /** Does nothing for a job that is not about one volume. */
  open({ volume, spec, id }: PlannedJob, zone: string | null): void {
    if (!volume) return
    const { app, proc, name, instanceNo } = volume
    const period = { jobId: id, spec, zone, begin: this.#clock.judgingTime(), end: null }
    this.#changes.push({ kind: 'open', place: { app, proc, volume: name, instanceNo }, period })
  }

  close(jobId: string): void {
    this.#changes.push({ kind: 'close', jobId, end: this.#clock.judgingTime() })
  }

  /** The first changes, at most `count`. */
  list(count: number): readonly PeriodChange[] {
    return this.#changes.slice(0, count)
  }

  /** Call it when the first changes are stored. */
  drop(count: number): void {
    this.#changes = this.#changes.slice(count)
  }
}
