import { isoTime } from '../../../lib/clock.ts'
import type { WalkResult } from '../../../restic/write/snapshot-input.ts'
import { isGood } from '../../../wire/backup.ts'
import { isUnusualHold, MAX_UNUSUAL_HOLDS } from '../../../wire/hold.ts'
import { addHold } from '../../hold-note.ts'
import type { BackupTask } from '../../new-backup.ts'
import type { StoreParts } from '../../store-parts.ts'
import { findDayNumber, makeHold, warnOfUnusual } from '../unusual/describe-unusual.ts'
import { judgeRun } from '../unusual/judge-run.ts'
import { joinHistory, type PastRun, printHistory, type RunHistory } from '../unusual/run-history.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'
import { makeSnapshotInfo } from './series-info.ts'

/** What the snapshots of a series say to its next run. */
interface SeriesRuns {
  history: RunHistory
  /** The point to keep if the next run is unusual: the newest good snapshot, or else the newest partial one. */
  point: SeriesSnapshot | undefined
  /** How many are held because a run after them was unusual. */
  held: number
}

export interface HeldSnapshot {
  id: string
  reason: string
}

type JudgedSnapshot = Pick<BackupTask, 'run' | 'step'> & { store: StoreParts }

interface SnapshotVerdict {
  /** For the facts of the snapshot. */
  history: string
  /** Kept from now on, because this run is unusual. */
  held: HeldSnapshot | undefined
}

/** As judgeArchive, for a snapshot. The repository is locked, so nobody deletes the point meanwhile. */
export async function judgeSnapshot(
  { store, run, step }: JudgedSnapshot,
  seen: WalkResult,
  { series, suspect }: { series: SnapshotSeries | undefined; suspect: string | null },
): Promise<SnapshotVerdict> {
  const runs = readSeriesRuns(series)
  if (suspect !== null) return { history: printHistory(runs.history), held: undefined }
  const { bytes, files } = seen
  const numbers = { bytes, files, changed: readChangedShare(seen) }
  const { reasons, history } = judgeRun(numbers, runs.history, findDayNumber(run.clock.now()))
  const printed = printHistory(history)
  if (reasons.length === 0) return { history: printed, held: undefined }
  const held = choosePoint(runs, makeHold(reasons, { rid: run.rid, at: isoTime(run.clock.now()) }))
  if (held) {
    const { ip } = run.settings
    await step('hold the last good snapshot', () => addHold({ store, ip }, held.id, held.reason))
  }
  const kept = runs.point ? (held ? `The snapshot ${held.id.slice(0, 8)}` : 'An earlier snapshot') : null
  run.warn(warnOfUnusual(reasons, kept))
  return { history: printed, held }
}

function choosePoint({ point, held }: SeriesRuns, reason: string): HeldSnapshot | undefined {
  if (!point || held >= MAX_UNUSUAL_HOLDS || isHeld(point)) return undefined
  return { id: point.id, reason }
}

function isHeld({ holds = [] }: SeriesSnapshot): boolean {
  return holds.some(isUnusualHold)
}

/** null for the first snapshot, and if the previous one was not compared with. */
function readChangedShare({
  filesChanged,
  filesUnchanged,
  filesDeleted,
  filesSame,
}: WalkResult): number | null {
  const before = filesChanged + filesUnchanged + filesDeleted
  return before === 0 ? null : Math.max(1 - filesSame / before, 0)
}

function readSeriesRuns(series: SnapshotSeries | undefined): SeriesRuns {
  const snapshots = series?.snapshots ?? []
  const usable = snapshots.filter((snapshot) => {
    const { suspect, corrupt } = makeSnapshotInfo(snapshot)
    return suspect === null && corrupt === null
  })
  return {
    history: joinHistory(snapshots.flatMap(readPastRun)),
    point: usable.findLast((snapshot) => isGood(makeSnapshotInfo(snapshot))) ?? usable.at(-1),
    held: snapshots.filter(isHeld).length,
  }
}

function readPastRun({ file: { backupd } }: SeriesSnapshot): PastRun[] {
  return backupd ? [{ ...backupd, usable: backupd.suspect === null }] : []
}
