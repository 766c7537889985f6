import { isoTime } from '../../../lib/clock.ts'
import { findSnapshot } from './find-snapshot.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'

export interface TrustedSnapshot {
  found: SeriesSnapshot
  /** Says that newer ones were passed over, in words; null where none was. */
  notice: string | null
}

/**
 * What a recover takes: the snapshot that is named, or the newest that is not suspect, so that a volume that lost its
 * content is not emptied again when it is to be filled; the newest where all are suspect. Throws as findSnapshot.
 */
export function findTrustedSnapshot(series: SnapshotSeries, wanted: string | null): TrustedSnapshot {
  const named = findSnapshot(series, wanted)
  const trusted = series.snapshots.findLast((snapshot) => suspectOf(snapshot) === null)
  if (wanted || !trusted || trusted === named) return { found: named, notice: null }
  const passed = `the newest snapshot, ${told(named)}, is suspect (${suspectOf(named)})`
  return { found: trusted, notice: `${passed}: ${told(trusted)} is taken, the newest that is not` }
}

function suspectOf({ file }: SeriesSnapshot): string | null {
  return file.backupd?.suspect ?? null
}

function told({ id, createdMs }: SeriesSnapshot): string {
  return `${id.slice(0, 8)} of ${isoTime(createdMs)}`
}
