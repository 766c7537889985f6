import { isoTime, NEVER } from '../lib/clock.ts'
import { compareTexts } from '../lib/compare-texts.ts'
import { findPosition } from '../lib/sorted-list.ts'
import type { Job, JobTimes, ScheduledJob } from '../wire/job.ts'
import type { PlannedJob } from './plan.ts'

/** A job that a daemon lists. */
export interface ListedJob {
  /** The one that users see. */
  id: string
  /** The planned one if the daemon's is equal to it, apart from sleep. */
  job: PlannedJob | Job
  times: Omit<JobTimes, 'id'>
}

/**
 * The jobs of a daemon with their times, by the id users see. A fleet has 100,000, so there is no object for each of
 * them: jobs that are as planned are those of the plan, and times are numbers.
 */
export class DaemonSchedule {
  readonly #ids: string[]
  readonly #jobs: (PlannedJob | Job)[]
  readonly #prev: TimeList
  readonly #next: TimeList
  readonly #asleep: Uint8Array

  /** @param listed in any order; of two with the same id, the last counts */
  constructor(listed: Iterable<ListedJob> = []) {
    const byId = new Map([...listed].map((each) => [each.id, each]))
    const sorted = [...byId.values()].sort((one, other) => compareTexts(one.id, other.id))
    this.#ids = sorted.map(({ id }) => id)
    this.#jobs = sorted.map(({ job }) => job)
    this.#prev = new TimeList(sorted.map(({ times }) => times.prev))
    this.#next = new TimeList(sorted.map(({ times }) => times.next))
    this.#asleep = Uint8Array.from(sorted, ({ times }) => Number(times.sleep))
  }

  get size(): number {
    return this.#ids.length
  }

  has(id: string): boolean {
    return this.#find(id) >= 0
  }

  get(id: string): ScheduledJob | undefined {
    const at = this.#find(id)
    return at < 0 ? undefined : this.#read(at)
  }

  /** Sorted by id. */
  *values(): Generator<ScheduledJob> {
    for (const at of this.#ids.keys()) yield this.#read(at)
  }

  /** Unix ms; undefined for a job that the daemon does not have. */
  readPrevMs(id: string): number | undefined {
    const at = this.#find(id)
    return at < 0 ? undefined : Date.parse(this.#prev.read(at))
  }

  /** undefined for a job that the daemon does not have. */
  isAsleep(id: string): boolean | undefined {
    const at = this.#find(id)
    return at < 0 ? undefined : this.#asleep[at] === 1
  }

  /** Does nothing for a job that the daemon does not have. */
  setTimes(id: string, { prev, next, sleep }: ListedJob['times']): void {
    const at = this.#find(id)
    if (at < 0) return
    this.#prev.write(at, prev)
    this.#next.write(at, next)
    this.#asleep[at] = Number(sleep)
  }

  #find(id: string): number {
    return findPosition(this.#ids, (each) => compareTexts(each, id))
  }

  #read(at: number): ScheduledJob {
    const known = this.#jobs[at] as PlannedJob | Job
    const job = 'job' in known ? known.job : known
    return {
      prev: this.#prev.read(at),
      next: this.#next.read(at),
      job: { ...job, sleep: this.#asleep[at] === 1 },
    }
  }
}

/** ISO 8601 texts, kept as numbers if that loses nothing. */
class TimeList {
  readonly #ms: Float64Array
  /** Those that are written in another way than ours. */
  readonly #texts = new Map<number, string>()

  constructor(times: readonly string[]) {
    this.#ms = new Float64Array(times.length)
    for (const [at, time] of times.entries()) this.write(at, time)
  }

  read(at: number): string {
    return this.#texts.get(at) ?? printListedTime(this.#ms[at] ?? Number.NaN)
  }

  write(at: number, time: string): void {
    const ms = time === NEVER ? Number.NEGATIVE_INFINITY : Date.parse(time)
    this.#ms[at] = ms
    if (!Number.isNaN(ms) && printListedTime(ms) === time) this.#texts.delete(at)
    else this.#texts.set(at, time)
  }
}

function printListedTime(ms: number): string {
  return ms === Number.NEGATIVE_INFINITY ? NEVER : isoTime(ms).replace('.000Z', 'Z')
}
