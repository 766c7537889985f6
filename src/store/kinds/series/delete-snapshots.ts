import type { Store } from '../../store.ts'
import type { Reader } from '../../stored-backup.ts'
import { findSnapshot } from './find-snapshot.ts'
import { forgetInNamespace } from './forget-series.ts'
import { openKnownSeries } from './open-series.ts'
import { takeLockOf } from './take-lock.ts'

/** An answer comes within seconds: others are not waited for long. */
const LOCK_WAIT_MS = 5000

/**
 * Deletes single snapshots of a series of the own namespace; their room comes back with the next prune. Returns their
 * ids. Throws NOT_FOUND, BAD_INPUT before the first is touched, REPOSITORY_LOCKED.
 * @param snapshots ids, or their beginnings
 */
export async function deleteSnapshots(
  { store, ip }: { store: Store; ip: string },
  { name, snapshots }: { name: string; snapshots: readonly string[] },
  reader: Reader,
): Promise<string[]> {
  await using opened = await openKnownSeries(store, ip, name)
  const { repository, series } = opened
  const ids = snapshots.map((id) => findSnapshot(series, id).id)
  await store.assertOwner()
  const takeLock = takeLockOf(repository, reader, LOCK_WAIT_MS)
  return await forgetInNamespace({ store, ip, repository, takeLock, warn: reader.warn }, ids)
}
