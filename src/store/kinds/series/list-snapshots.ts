import type { SnapshotPage } from '../../../wire/snapshot.ts'
import type { SnapshotsQuestion } from '../../snapshots.ts'
import type { StoreParts } from '../../store-parts.ts'
import { openKnownSeries } from './open-series.ts'
import { makeSnapshotInfo } from './series-info.ts'

/** Lists one page of the snapshots of a series, newest first. Throws NOT_FOUND. */
export async function listSeriesSnapshots(
  store: StoreParts,
  { namespace, name, after, limit }: SnapshotsQuestion,
): Promise<SnapshotPage> {
  await using opened = await openKnownSeries(store, namespace, name)
  const newestFirst = opened.series.snapshots.toReversed()
  // If the snapshot `after` was deleted meanwhile, the list ends: the reader must start again.
  const at = after === '' ? -1 : newestFirst.findIndex(({ id }) => id === after)
  const from = after !== '' && at === -1 ? newestFirst.length : at + 1
  const page = newestFirst.slice(from, from + limit)
  const next = from + limit < newestFirst.length ? (page.at(-1)?.id ?? null) : null
  return { snapshots: page.map(makeSnapshotInfo), next }
}
