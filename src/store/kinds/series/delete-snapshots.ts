import type { SnapshotsToDelete } from '../../snapshots.ts'
import type { StoreParts } from '../../store-parts.ts'
import type { Reader } from '../../stored-backup.ts'
import { ANSWER_WAIT_MS, makeAcquireLock } from './acquire-lock.ts'
import { findSnapshot } from './find-snapshot.ts'
import { forgetInNamespace } from './forget-series.ts'
import { openKnownSeries } from './open-series.ts'
import { refuseHeld, refuseHeldByNow } from './refuse-held.ts'

/**
 * Deletes single snapshots of a series of the own namespace and returns their ids; the next prune frees their space.
 * Throws NOT_FOUND, BAD_INPUT, or CONFLICT for one that is held, before anything is deleted, and REPOSITORY_LOCKED.
 */
export async function deleteSeriesSnapshots(
  { store, ip }: { store: StoreParts; ip: string },
  { name, snapshots }: SnapshotsToDelete,
  reader: Reader,
): Promise<string[]> {
  await using opened = await openKnownSeries(store, ip, name)
  const { repository, series } = opened
  const wanted = { name, snapshots: snapshots.map((id) => findSnapshot(series, id)) }
  refuseHeld(wanted, store)
  await store.assertOwner()
  const ids = wanted.snapshots.map(({ id }) => id)
  const acquireLock = makeAcquireLock(repository, reader, ANSWER_WAIT_MS)
  const context = { store, ip, repository, acquireLock, warn: reader.warn }
  return await forgetInNamespace(context, ids, refuseHeldByNow(context, [wanted]))
}
