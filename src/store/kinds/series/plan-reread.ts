import { isoTime } from '../../../lib/clock.ts'
import { DAY_MS, HOUR_MS } from '../../../lib/time-units.ts'
import type { BackupRun } from '../../new-backup.ts'
import type { SnapshotSeries } from './series.ts'

/** Whether an increment reads every file regardless of timestamps, and when that last happened, this run included. */
export interface RereadPlan {
  reread: boolean
  /** ISO 8601; undefined if unknown. */
  lastReread: string | undefined
}

/** A daily schedule may start seconds early, which must not delay the reread by a day. */
const SLACK_MS = HOUR_MS

/** The last reread is stored in the backup, because the daemon may restart or be replaced in between. */
export function planReread(
  series: SnapshotSeries | undefined,
  { options, clock }: Pick<BackupRun, 'options' | 'clock'>,
): RereadPlan {
  const now = clock.now()
  const last = series && findLastReread(series, now)
  const days = options.rereadEveryDays
  const isDue = days !== undefined && (last === undefined || now - last >= days * DAY_MS - SLACK_MS)
  const reread = series === undefined || options.reread === true || isDue
  const lastMs = reread ? now : last
  return { reread, lastReread: lastMs === undefined ? undefined : isoTime(lastMs) }
}

/** Ignores times in the future: they were noted while the clock was wrong. */
function findLastReread({ snapshots }: SnapshotSeries, now: number): number | undefined {
  const times = snapshots.map(({ file }) => Date.parse(file.backupd?.lastReread ?? ''))
  const past = times.filter((time) => time <= now)
  return past.length === 0 ? undefined : Math.max(...past)
}
