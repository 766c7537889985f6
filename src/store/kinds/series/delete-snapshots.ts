import type { SnapshotsToDelete } from '../../snapshots.ts'
import type { StoreParts } from '../../store-parts.ts'
import type { Reader } from '../../stored-backup.ts'
import { ANSWER_WAIT_MS, makeAcquireLock } from './acquire-lock.ts'
import { findSnapshot } from './find-snapshot.ts'
import { forgetInNamespace } from './forget-series.ts'
import { openKnownSeries } from './open-series.ts'

/**
 * Deletes single snapshots of a series of the own namespace and returns their ids; the next prune frees their space.
 * Throws NOT_FOUND or BAD_INPUT before anything is deleted, and REPOSITORY_LOCKED.
 */
export async function deleteSeriesSnapshots(
  { store, ip }: { store: StoreParts; ip: string },
  { name, snapshots }: SnapshotsToDelete,
  reader: Reader,
): Promise<string[]> {
  await using opened = await openKnownSeries(store, ip, name)
  const { repository, series } = opened
  const ids = snapshots.map((id) => findSnapshot(series, id).id)
  await store.assertOwner()
  const acquireLock = makeAcquireLock(repository, reader, ANSWER_WAIT_MS)
  return await forgetInNamespace({ store, ip, repository, acquireLock, warn: reader.warn }, ids)
}
