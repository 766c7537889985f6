import { parseBackupName } from '../wire/archive-name.ts'
import type { HideRequest } from '../wire/hidden.ts'
import type { OwnStore } from './change-reasons.ts'
import { deleteStoredBackups } from './delete-backups.ts'
import { hideArchives } from './kinds/archive/hide-archives.ts'
import { splitBackupPath } from './layout.ts'

/** See Store.hide. */
export async function hideBackups(
  { world, parts, ip, reader }: OwnStore,
  names: readonly string[],
  request: HideRequest,
): Promise<string[]> {
  const [archives, others] = [names.filter(isWholeArchive), names.filter((path) => !isWholeArchive(path))]
  await parts.checkRemovable([...names])
  // What can be undone comes first: if the store is too full for it, nothing is deleted.
  const hidden = await hideArchives(world, archives.map(splitBackupPath), request)
  const deleted = others.length > 0 ? await deleteStoredBackups({ store: parts, ip }, others, reader) : []
  return [...hidden, ...deleted]
}

function isWholeArchive(path: string): boolean {
  const { name, inside } = splitBackupPath(path)
  return inside === null && parseBackupName(name) !== undefined
}
