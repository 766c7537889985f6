import type { LegacyJobFragment } from '../../client/generated/operations.ts'
import { NEVER } from '../../lib/clock.ts'
import { compareTexts } from '../../lib/compare-texts.ts'
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

/** Sorts by server, then by next time. Much faster than to sort all at once, because most lists have few servers. */
export function sortBySchedule<T extends TimedJob>(jobs: readonly T[]): T[] {
  const byServer = Map.groupBy(jobs, ({ id }) => id.slice(0, SERVER_DIGITS))
  const servers = [...byServer.keys()].sort(compareTexts)
  return servers.flatMap(
    (server) =>
      byServer.get(server)?.sort((one, other) => compareTexts(one.nextRun ?? '', other.nextRun ?? '')) ?? [],
  )
}

/** Hex digits of the server at the start of an id. */
const SERVER_DIGITS = 8

function toLegacyTime(time: string | null): string {
  return time === null ? NEVER : goTime(time)
}
