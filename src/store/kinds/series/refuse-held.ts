import { readHolds } from '../../hold-note.ts'
import { refuseHolds } from '../../refuse-holds.ts'
import type { StoreParts } from '../../store-parts.ts'
import type { SnapshotSeries } from './series.ts'

type HoldingStore = Pick<StoreParts, 'driver' | 'trustedNow'>

/** What is to be deleted of a series. */
type SnapshotsToForget = Pick<SnapshotSeries, 'name' | 'snapshots'>

/** Throws CONFLICT if one of the snapshots is held, before anything is deleted. */
export function refuseHeld({ name, snapshots }: SnapshotsToForget, store: HoldingStore): void {
  for (const { id, holds = [] } of snapshots) refuseHolds({ name, snapshot: id }, holds, store.trustedNow())
}

/**
 * The same again under the exclusive lock, which somebody who held one may have had before: refuses all, or returns the ids
 * of all.
 */
export function refuseHeldByNow(
  { store, ip }: { store: HoldingStore; ip: string },
  all: readonly SnapshotsToForget[],
): () => Promise<string[]> {
  return async () => {
    const findHolds = await readHolds(store.driver, ip)
    for (const { name, snapshots } of all)
      refuseHeld({ name, snapshots: snapshots.map((one) => ({ ...one, holds: findHolds(one.id) })) }, store)
    return all.flatMap(({ snapshots }) => snapshots.map(({ id }) => id))
  }
}
