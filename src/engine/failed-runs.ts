import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import { DAY_MS } from '../lib/time-units.ts'
import { describeFailure, isOfOneBackup, readRunKey } from '../wire/failed-run.ts'
import type { ScheduledJob } from '../wire/job.ts'
import type { RunRecord } from '../wire/record.ts'

/** How long a failed one-off run stays a problem. That of a job stays until a later run succeeds. */
export const ONE_OFF_PROBLEM_MS = DAY_MS
const SOURCE = 'runs'

/**
 * Reports every run that does not succeed: in the log, and as a problem until a run with the same key succeeds or its
 * job is gone. A cancelled run is logged but is not a problem, because a user asked for it.
 */
export class FailedRuns {
  readonly #log: Log
  readonly #problems: Problems

  constructor({ log, problems }: { log: Log; problems: Problems }) {
    this.#log = log
    this.#problems = problems
  }

  /** Call when a run has ended. @param isQuiet its plugin is quiet, which logs its partial results itself */
  note(record: RunRecord, { isQuiet }: { isQuiet: boolean }): void {
    if (record.state === 'success') return void this.#problems.clear(SOURCE, readRunKey(record))
    const isLogged = isQuiet && record.state === 'partial'
    if (!isLogged) this.log(record)
    if (record.state !== 'cancelled') this.report(record, { isQuiet })
  }

  log(record: RunRecord): void {
    const { rid, action, error } = record
    const facts = { rid, action, ...(error && { error: error.code }) }
    this.#log[record.state === 'failed' ? 'error' : 'warn'](facts, describeFailure(record))
  }

  report(record: RunRecord, { isQuiet = false } = {}): void {
    const text = isQuiet
      ? `The job ${record.action} cannot do all of its work: ${record.reason}`
      : describeFailure(record)
    const isOneOff = (record.jobId === '' && record.type === 'once') || isOfOneBackup(record)
    const untilMs = isOneOff ? { untilMs: Date.parse(record.end ?? record.start) + ONE_OFF_PROBLEM_MS } : {}
    this.#problems.report({ source: SOURCE, key: readRunKey(record), text, ...untilMs })
  }

  /** Clears the problems of jobs that are no longer in the list. */
  keepJobs(list: () => readonly ScheduledJob[]): void {
    const reported = this.#problems.list().filter(({ source, untilMs }) => source === SOURCE && !untilMs)
    if (reported.length === 0) return
    const keys = new Set(list().map(({ job }) => readRunKey({ ...job, jobId: job.id })))
    for (const { key } of reported) if (!keys.has(key)) this.#problems.clear(SOURCE, key)
  }
}
