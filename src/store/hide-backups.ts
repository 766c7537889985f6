import { parseBackupName } from '../wire/archive-name.ts'
import type { HideRequest } from '../wire/hidden.ts'
import type { OwnStore } from './change-reasons.ts'
import { removeNow } from './delete-backups.ts'
import { hideArchives } from './kinds/archive/hide-archives.ts'
import { prepareHidingSeries } from './kinds/series/delete-series.ts'
import { splitBackupPath } from './layout.ts'

/** See Store.hide. */
export async function hideBackups(
  { world, parts, ip }: OwnStore,
  names: readonly string[],
  request: HideRequest,
): Promise<string[]> {
  const [archives, others] = [names.filter(isWholeArchive), names.filter((path) => !isWholeArchive(path))]
  await parts.checkRemovable([...names])
  const series = await prepareHidingSeries({ store: parts, ip }, others)
  // What can be undone comes first: if the store is too full for it, nothing is deleted.
  const hidden = await hideArchives(world, archives.map(splitBackupPath), request)
  await series.hide(request)
  const mirrors = others.length > 0 ? await removeNow(parts, others) : []
  return [...new Set([...hidden, ...series.names, ...mirrors])]
}

function isWholeArchive(path: string): boolean {
  const { name, inside } = splitBackupPath(path)
  return inside === null && parseBackupName(name) !== undefined
}
