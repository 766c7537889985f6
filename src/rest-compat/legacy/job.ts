import type { LegacyJobFragment } from '../../client/generated/operations.ts'
import { NEVER } from '../../lib/clock.ts'
import { compareTexts } from '../../lib/compare-texts.ts'
import { goTime } from '../../lib/go-time.ts'
import { isProofJob } from '../../wire/find-app.ts'

/** A job in legacy form, in which the expire job of a server has no id. */
export function toLegacyJob({ id, spec, action, args, asleep }: LegacyJobFragment) {
  return { id: toLegacyJobId(id, action), spec, action, args, type: 'cron', sleep: asleep }
}

/** Leaves out the jobs that the legacy system does not have. */
export function listLegacyJobs<T extends { action: string }>(jobs: readonly T[]): T[] {
  return jobs.filter(({ action }) => !isProofJob(action))
}

export function toLegacyJobId(id: string | null, action: string): string {
  return id === null || action === 'backup_expire' ? '' : id
}

interface TimedJob extends LegacyJobFragment {
  prevRun: string | null
  nextRun: string | null
}

/** A job as in lists for users: with its times, without the internal args `path` and `archive`. */
export function toScheduledJob(job: TimedJob) {
  const { path: _path, archive: _archive, ...args } = readJobArgs(job)
  return {
    prev: toLegacyTime(job.prevRun),
    next: toLegacyTime(job.nextRun),
    job: toLegacyJob({ ...job, args }),
  }
}

export function readJobArgs({ args }: { args: unknown }): Record<string, unknown> {
  return typeof args === 'object' && args !== null ? { ...args } : {}
}

/** Sorts the jobs of one server. Those with the same next time stay in the order of the inventory. */
export function sortByNextRun<T extends TimedJob>(jobs: readonly T[]): T[] {
  return jobs.toSorted((one, other) => compareTexts(one.nextRun ?? '', other.nextRun ?? ''))
}

function toLegacyTime(time: string | null): string {
  return time === null ? NEVER : goTime(time)
}
