import { randomBytes } from 'node:crypto'
import { isoTime, NEVER } from '../../../src/lib/clock.ts'
import { goTime } from '../../../src/lib/go-time.ts'
import type { Job, JobTimes, ScheduledJob } from '../../../src/wire/job.ts'

interface Entry {
  job: Job
  prev: string
  changedBy: number
}

/** The jobs of a simulated daemon with their times, and what changed since a version of the list. */
export class JobList {
  /** The version of the jobs as the controller named it. */
  version = ''
  readonly #epoch = randomBytes(6).toString('hex')
  readonly #asleep = new Set<string>()
  #entries = new Map<string, Entry>()
  #changes = 0
  #allChangedBy = 0

  /** Changes with everything that list() shows. */
  get listVersion(): string {
    return `${this.#epoch}-${this.#changes}`
  }

  get jobs(): Job[] {
    return [...this.#entries.values()].map(({ job }) => job)
  }

  set(jobs: readonly Job[], version: string): void {
    this.version = version
    this.#allChangedBy = ++this.#changes
    const prevOf = (id: string) => this.#entries.get(id)?.prev ?? NEVER
    this.#entries = new Map(jobs.map((job) => [job.id, { job, prev: prevOf(job.id), changedBy: 0 }]))
  }

  setSleep(id: string, sleep: boolean): void {
    if (sleep) this.#asleep.add(id)
    else this.#asleep.delete(id)
    this.#note([id])
  }

  /** The schedule runs these jobs now. */
  fire(ids: readonly string[]): void {
    this.#note(ids)
    const now = goTime(isoTime(Date.now()))
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry) entry.prev = now
    }
  }

  list(): ScheduledJob[] {
    const next = findMidnight()
    return [...this.#entries.values()].map(({ job, prev }) => {
      return { prev, next, job: { ...job, sleep: this.#asleep.has(job.id) } }
    })
  }

  timesOf(id: string): JobTimes | undefined {
    const entry = this.#entries.get(id)
    return entry && { id, prev: entry.prev, next: findMidnight(), sleep: this.#asleep.has(id) }
  }

  /** undefined if only the whole list shows what changed since then. */
  listSince(listVersion: string): ScheduledJob[] | undefined {
    const [epoch, changes] = listVersion.split('-')
    const since = Number(changes)
    if (epoch !== this.#epoch || !(since >= this.#allChangedBy)) return undefined
    return this.list().filter(({ job }) => (this.#entries.get(job.id)?.changedBy ?? 0) > since)
  }

  #note(ids: readonly string[]): void {
    this.#changes += 1
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry) entry.changedBy = this.#changes
    }
  }
}

/** When all jobs are due next. */
function findMidnight(): string {
  return goTime(isoTime(new Date().setUTCHours(24, 0, 0, 0)))
}
