import type { TreeEntry } from '../../volume/tree/entry.ts'
import { noLongerLinked } from '../../volume/tree/inspect.ts'
import type { LinkTable } from '../../volume/tree/link-table.ts'
import type { Warn } from './file-reader.ts'

/** No file system has this number. */
const NO_DEVICE = 0n

/**
 * restic restores entries with equal device and inode as hard links of one file if one of them has several links. If
 * the inode changed or was reused while the volume was read, the entry gets one link and no device, so that restic
 * keeps it separate. It keeps its inode, else the next run would read it again. Call it once per entry, when its
 * times are final.
 */
export function separateIfReplaced(links: LinkTable, entry: TreeEntry, warn: Warn): void {
  if (entry.links < 2 || entry.type === 'directory') return
  const first = links.claim(entry)
  if (!first) links.add(entry, { path: entry.path, offset: 0 })
  if (!first || first.isSame) return
  Object.assign(entry, { links: 1, device: NO_DEVICE })
  warn('note', entry.path, noLongerLinked(first.path))
}
