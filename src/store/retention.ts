import { isoTime } from '../lib/clock.ts'
import { type BackupInfo, isGood } from '../wire/backup.ts'
import { leaveOutEndedPins } from '../wire/pin.ts'

/** The fields of a backup that the retention rule uses. */
export type Aged = Pick<
  BackupInfo,
  'name' | 'created' | 'sequence' | 'state' | 'suspect' | 'corrupt' | 'holds' | 'rid' | 'clockDoubt'
>

export interface RetentionPlan {
  /** Oldest first. */
  expired: string[]
  /** Why no backup of this volume may expire now; normally null. */
  stopped: string | null
  /** Why some backups that are old enough are kept: no good backup followed them. Normally null. */
  delayed: string | null
}

/** How far ahead of the clock a backup's time may be: beyond that, one of the two clocks is wrong. */
export const FUTURE_TOLERANCE_MS = 5 * 60_000

/**
 * Plans which backups of one volume expire, those older than `expireMs`. They are ordered by sequence, never by time.
 * - Age = min(now, time of the newest good backup) − created: if no good backup follows, the good ones stop ageing.
 *   If there never was a good one, the newest partial takes its place.
 * - Always kept: the newest good one; the newest partial (a suspect one counts as partial); held ones; those with an
 *   unreadable manifest, because they may be held. A pin ends by the time that ages are measured with.
 * - A corrupt backup ages like the others, but ages are never measured from it, and it never counts as the newest.
 * - A backup from the future stops all expiry.
 * - A backup made while the clock was in doubt never counts as from the future, and ages are never measured from it;
 *   its own age is the smaller one of its two times.
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
    (backup) => backup !== newestGood && backup !== newestPartial && !mayBeHeld(backup, endMs),
  )
  const olderAt = (ms: number) => mayGo.filter((backup) => ms - latestCreatedMs(backup) > expireMs)
  const expired = olderAt(endMs)
  const late = olderAt(nowMs).length - expired.length
  const isFollowed = newestGood !== undefined && ordered.at(-1) !== newestGood
  const delayed = late > 0 && isFollowed ? withoutGood(newestGood, late) : null
  return { expired: expired.map((backup) => backup.name), stopped: null, delayed }
}

function withoutGood({ name }: Aged, late: number): string {
  const what = late === 1 ? '1 backup that is old enough stays' : `${late} backups that are old enough stay`
  return `no backup since "${name}" is good: ${what} until one is. Find out why the runs of this volume are partial`
}

function isPartial(backup: Aged): boolean {
  return !isGood(backup) && backup.corrupt === null
}

/** Unix ms: the later of its two times if the clock was in doubt. */
function latestCreatedMs({ created, clockDoubt }: Aged): number {
  return Math.max(...[created, clockDoubt?.trusted ?? created].map((time) => Date.parse(time)))
}

function byAge(a: Aged, b: Aged): number {
  return (
    a.sequence - b.sequence || Date.parse(a.created) - Date.parse(b.created) || (a.name < b.name ? -1 : 1)
  )
}

function mayBeHeld({ holds, corrupt, rid }: Aged, nowMs: number): boolean {
  return leaveOutEndedPins(holds, nowMs).length > 0 || (corrupt !== null && rid === null)
}

function fromTheFuture({ name, created }: Aged, nowMs: number): string {
  const what = `"${name}" was made in the future (${created}; the clock says ${isoTime(nowMs)})`
  return `${what}: nothing of this volume expires until the clock is past it. Check the clock, or delete that backup`
}
