import { isoTime } from '../../../lib/clock.ts'
import { findSnapshot } from './find-snapshot.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'

export interface TrustedSnapshot {
  found: SeriesSnapshot
  /** A sentence saying that suspect newer snapshots were skipped; null if none was. */
  notice: string | null
}

/**
 * Finds the snapshot for a recover: the named one, or the newest one that is not suspect; if all are suspect, the
 * newest. A suspect snapshot may be of a volume that had lost its content. Throws as findSnapshot.
 */
export function findTrustedSnapshot(series: SnapshotSeries, wanted: string | null): TrustedSnapshot {
  const named = findSnapshot(series, wanted)
  const trusted = series.snapshots.findLast((snapshot) => readSuspicion(snapshot) === null)
  if (wanted || !trusted || trusted === named) return { found: named, notice: null }
  const skipped = `the newest snapshot, ${describeSnapshot(named)}, is suspect (${readSuspicion(named)})`
  return {
    found: trusted,
    notice: `${skipped}: ${describeSnapshot(trusted)} is used, the newest that is not`,
  }
}

function readSuspicion({ file }: SeriesSnapshot): string | null {
  return file.backupd?.suspect ?? null
}

function describeSnapshot({ id, createdMs }: SeriesSnapshot): string {
  return `${id.slice(0, 8)} of ${isoTime(createdMs)}`
}
