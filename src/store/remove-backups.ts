import { deleteArchives, findDeletableArchives, finishDueDeletes } from './kinds/archive/delete-archives.ts'
import { deleteMirrors, findDeletableMirrors } from './kinds/mirror/delete-mirrors.ts'
import { type BackupPath, splitBackupPath } from './layout.ts'
import { readMeta } from './meta-file.ts'
import { assertOwner } from './owner.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Deletes archives and mirrors of the own namespace and finishes interrupted deletes; `NAME/path` deletes a file or folder in a
 * mirror. Checks all names before it deletes anything: throws BAD_INPUT for an invalid name, for a path that leaves
 * the backup, or that lies in a backup that is not a mirror, and CONFLICT for a backup that is held.
 * @param stillDue called under the namespace's lock: only those of `names` that it returns are deleted
 * @returns the names that existed
 */
export async function removeBackups(
  world: StoreWorld,
  names: readonly string[],
  stillDue: () => Promise<readonly string[]> = async () => names,
): Promise<string[]> {
  const paths = splitNames(names)
  return exclusively(world, async () => {
    await assertOwner(world)
    const { archives, mirrors } = await findDeletable(world, paths, stillDue)
    await deleteArchives(world, archives)
    const deleted = new Set([...archives, ...(await deleteMirrors(world, mirrors))])
    return paths.filter((one) => deleted.has(one)).map(({ path }) => path)
  })
}

/** See StoreParts.finishDeletes. */
export async function finishWaitingDeletes(world: StoreWorld): Promise<string[]> {
  await assertOwner(world)
  return exclusively(world, async () => {
    await assertOwner(world)
    return await finishDueDeletes(world)
  })
}

/** Makes the checks of removeBackups, and deletes nothing. */
export async function checkRemovable(world: StoreWorld, names: readonly string[]): Promise<void> {
  await assertOwner(world)
  await findDeletable(world, splitNames(names), async () => names)
}

function splitNames(names: readonly string[]): BackupPath[] {
  return [...new Set(names)].map(splitBackupPath)
}

/** Each kind picks the backups that are its own, and refuses the whole call if one of them may not be deleted. */
async function findDeletable(
  world: StoreWorld,
  paths: readonly BackupPath[],
  stillDue: () => Promise<readonly string[]>,
): Promise<{ archives: BackupPath[]; mirrors: BackupPath[] }> {
  const { meta } = await readMeta(world, world.identity.ip)
  const mirrors = await findDeletableMirrors(world, paths, meta)
  const due = new Set(await stillDue())
  const isDue = ({ path }: BackupPath) => due.has(path)
  return {
    archives: await findDeletableArchives(world, paths.filter(isDue)),
    mirrors: mirrors.filter(isDue),
  }
}
