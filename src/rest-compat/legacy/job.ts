import type { LegacyJobFragment } from '../../client/generated/operations.ts'
import { NEVER } from '../../lib/clock.ts'
import { goTime } from '../../lib/go-time.ts'

/** A job in legacy form, in which the expire job of a server has no id. */
export function toLegacyJob({ id, spec, action, args, asleep }: LegacyJobFragment) {
  return { id: toLegacyJobId(id, action), spec, action, args, type: 'cron', sleep: asleep }
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

/** Sorts by server, then by next time. */
export function compareBySchedule(one: TimedJob, other: TimedJob): number {
  return compare(one.id.slice(0, 8), other.id.slice(0, 8)) || compare(one.nextRun ?? '', other.nextRun ?? '')
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function toLegacyTime(time: string | null): string {
  return time === null ? NEVER : goTime(time)
}
