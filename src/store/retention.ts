import { isoTime } from '../lib/clock.ts'
import { type BackupInfo, isGood } from '../wire/backup.ts'

/** What the rule looks at. */
export type Aged = Pick<
  BackupInfo,
  'name' | 'created' | 'sequence' | 'state' | 'suspect' | 'corrupt' | 'holds' | 'rid' | 'clockDoubt'
>

export interface RetentionPlan {
  /** Oldest first. */
  expired: string[]
  /** Why nothing of this volume may expire now; null normally. */
  stopped: string | null
  /** Why some stay that are old enough: no good backup has followed. null normally. */
  delayed: string | null
}

/** How far ahead of the clock a backup may have been made: beyond that one of the two clocks was wrong. */
export const FUTURE_TOLERANCE_MS = 5 * 60_000

/**
 * Which backups of one volume are older than `expireMs`. Order is the sequence, never the clock.
 * - Age = min(now, newest good) − created: where backups stop being good, the good ones stop ageing. Where none ever
 *   was good, the newest partial stands in for it.
 * - Always kept: the newest good one; the newest partial (a suspect one counts as partial); what is held; what has a
 *   manifest that cannot be read, since it may be held.
 * - A corrupt backup protects nothing and is the measure of nothing; it ages like the others.
 * - One made in the future stops it all.
 * - One made while the clock was in doubt is the measure of nothing, and not "from the future"; its age is the smaller
 *   of what its two times say.
 */
export function planRetention(
  backups: readonly Aged[],
  { expireMs, nowMs }: { expireMs: number; nowMs: number },
): RetentionPlan {
  const ordered = [...backups].sort(byAge)
  const dated = ordered.filter(({ clockDoubt }) => !clockDoubt)
  const future = dated.find((backup) => Date.parse(backup.created) > nowMs + FUTURE_TOLERANCE_MS)
  if (future) return { expired: [], stopped: fromTheFuture(future, nowMs), delayed: null }
  const newestGood = ordered.findLast(isGood)
  const newestPartial = ordered.findLast(isPartial)
  const measure = dated.findLast(isGood) ?? dated.findLast(isPartial)
  if (!measure) return { expired: [], stopped: null, delayed: null }
  const endMs = Math.min(nowMs, Date.parse(measure.created))
  const mayGo = ordered.filter(
    (backup) => backup !== newestGood && backup !== newestPartial && !mayBeHeld(backup),
  )
  const olderAt = (ms: number) => mayGo.filter((backup) => ms - birthOf(backup) > expireMs)
  const expired = olderAt(endMs)
  const late = olderAt(nowMs).length - expired.length
  const isFollowed = newestGood !== undefined && ordered.at(-1) !== newestGood
  const delayed = late > 0 && isFollowed ? withoutGood(newestGood, late) : null
  return { expired: expired.map((backup) => backup.name), stopped: null, delayed }
}

function withoutGood({ name }: Aged, late: number): string {
  const what = late === 1 ? '1 backup that is old enough stays' : `${late} backups that are old enough stay`
  return `no backup since "${name}" is good: ${what} until one is. See why the runs of this volume are partial`
}

function isPartial(backup: Aged): boolean {
  return !isGood(backup) && backup.corrupt === null
}

/** Unix ms: the later of its two times if the clock was in doubt. */
function birthOf({ created, clockDoubt }: Aged): number {
  return Math.max(...[created, clockDoubt?.trusted ?? created].map((time) => Date.parse(time)))
}

function byAge(a: Aged, b: Aged): number {
  return (
    a.sequence - b.sequence || Date.parse(a.created) - Date.parse(b.created) || (a.name < b.name ? -1 : 1)
  )
}

function mayBeHeld({ holds, corrupt, rid }: Aged): boolean {
  return holds.length > 0 || (corrupt !== null && rid === null)
}

function fromTheFuture({ name, created }: Aged, nowMs: number): string {
  const what = `"${name}" was made in the future (${created}; the clock says ${isoTime(nowMs)})`
  return `${what}: nothing of this volume expires until the clock is past it. See the clock, or delete that backup`
}
