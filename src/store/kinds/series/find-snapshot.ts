import { BackupdError } from '../../../lib/errors.ts'
import type { SeriesSnapshot, SnapshotSeries } from './series.ts'

const MIN_DIGITS = 4

/**
 * Finds a snapshot of a series by its id or the first digits of it; the newest one if none is named.
 * Throws NOT_FOUND, and BAD_INPUT if the digits fit several snapshots or are malformed.
 */
export function findSnapshot(series: SnapshotSeries, wanted: string | null): SeriesSnapshot {
  const newest = series.snapshots.at(-1)
  if (!newest) throw notFound(series, 'newest')
  if (wanted === null || wanted === '') return newest
  if (!/^[\da-f]{4,64}$/.test(wanted)) {
    const rule = `write its id, 64 hex digits, or the first ${MIN_DIGITS} or more of them`
    throw new BackupdError('BAD_INPUT', `${JSON.stringify(wanted)} is not a snapshot: ${rule}`)
  }
  const found = series.snapshots.filter(({ id }) => id.startsWith(wanted))
  if (found.length > 1) {
    const many = `"${wanted}" fits ${found.length} snapshots of "${series.name}": write more of the id`
    throw new BackupdError('BAD_INPUT', many)
  }
  if (!found[0]) throw notFound(series, wanted)
  return found[0]
}

function notFound({ name }: SnapshotSeries, wanted: string): BackupdError {
  const what = `"${name}" has no snapshot ${wanted}; see its list of snapshots`
  return new BackupdError('NOT_FOUND', what, { facts: { name, snapshot: wanted } })
}
