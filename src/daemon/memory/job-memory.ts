import { z } from 'zod'
import type { SleepMark } from '../../engine/sleep-marks.ts'
import { type VerifyNightState, verifyNightSchema } from '../../engine/verify-night-state.ts'
import type { Job } from '../../wire/job.ts'
import type { RunRecord } from '../../wire/record.ts'
import type { DaemonDb } from './database.ts'

/** Unreadable marks count as none. */
const sleepMarksSchema = z.array(z.object({ key: z.string(), leftAt: z.number() })).catch([])

/** The last list of jobs, their sleep marks and last starts, for a start without a controller. */
export class JobMemory {
  readonly #db: DaemonDb
  readonly #started

  constructor(db: DaemonDb) {
    this.#db = db
    this.#started = db.prepare(
      `INSERT INTO last_starts (job_id, started) VALUES (?, ?)
       ON CONFLICT (job_id) DO UPDATE SET started = max(started, excluded.started)`,
    )
  }

  load(): { jobs: Job[]; version: string } {
    const jobs = JSON.parse(this.#fact('jobs') ?? '[]') as Job[]
    const asleep = new Set(this.#db.prepare<[], string>('SELECT job_id FROM sleeping').pluck().all())
    return {
      jobs: jobs.map((job) => ({ ...job, sleep: asleep.has(job.id) })),
      version: this.#fact('version') ?? '',
    }
  }

  /** Keeps the sleep marks of jobs that stay. @param left those of jobs that left the list */
  save(jobs: Job[], version: string, left: readonly SleepMark[] = []): void {
    this.#db.transaction(() => {
      const set = this.#db.prepare('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)')
      set.run('jobs', JSON.stringify(jobs))
      set.run('version', version)
      set.run('left-sleepers', JSON.stringify(left))
      for (const job of jobs) if (job.sleep) this.saveSleep(job.id, true)
      const ids = JSON.stringify(jobs.map((job) => job.id))
      this.#db.prepare('DELETE FROM sleeping WHERE job_id NOT IN (SELECT value FROM json_each(?))').run(ids)
      this.#db
        .prepare('DELETE FROM last_starts WHERE job_id NOT IN (SELECT value FROM json_each(?))')
        .run(ids)
    })()
  }

  /** Sleep marks of jobs that left the list. */
  loadSleepMarks(): SleepMark[] {
    return sleepMarksSchema.parse(JSON.parse(this.#fact('left-sleepers') ?? '[]'))
  }

  saveSleep(id: string, asleep: boolean): void {
    const sql = asleep
      ? 'INSERT OR IGNORE INTO sleeping (job_id) VALUES (?)'
      : 'DELETE FROM sleeping WHERE job_id = ?'
    this.#db.prepare(sql).run(id)
  }

  /** Notes a run that the schedule started; manual runs do not count. */
  noteStart(record: RunRecord): void {
    if (record.type === 'cron') this.#started.run(record.jobId, Date.parse(record.start))
  }

  lastStarts(): Map<string, number> {
    const rows = this.#db.prepare<[], { id: string; started: number }>(
      'SELECT job_id AS id, started FROM last_starts',
    )
    return new Map(rows.all().map(({ id, started }) => [id, started]))
  }

  /** An unreadable one counts as none: the night begins again. */
  loadNight(): VerifyNightState | undefined {
    const text = this.#fact('verify-night')
    return text === undefined ? undefined : verifyNightSchema.safeParse(JSON.parse(text)).data
  }

  saveNight(night: VerifyNightState): void {
    const set = this.#db.prepare('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)')
    set.run('verify-night', JSON.stringify(night))
  }

  #fact(key: string): string | undefined {
    return this.#db.prepare<[string], string>('SELECT value FROM facts WHERE key = ?').pluck().get(key)
  }
}
