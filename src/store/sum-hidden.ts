import type { DeletedRoom } from '../wire/hidden.ts'
import { readHiddenNote } from './hidden-note.ts'
import { readHiddenSnapshots } from './kinds/series/hidden-snapshots.ts'
import type { StoreWorld } from './world.ts'

/** See Store.sumHidden. Two small objects are read, however much is hidden. */
export async function sumHidden({ driver, identity: { ip } }: StoreWorld): Promise<DeletedRoom> {
  const [{ archives }, snapshots] = await Promise.all([
    readHiddenNote(driver, ip),
    readHiddenSnapshots(driver, ip),
  ])
  return { backups: archives?.count ?? 0, bytes: archives?.bytes ?? 0, snapshots: snapshots.size }
}
