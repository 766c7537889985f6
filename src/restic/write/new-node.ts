import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { Content } from './content-pool.ts'
import type { NewNode } from './tree-builder.ts'

/** A ctime that no real file has: the start of 1970. */
const NEVER_NS = 0n

/** Marks an entry that was not stored exactly, so that the next run considers it changed and reads it again. */
export function distrust(entry: TreeEntry): void {
  entry.ctimeNs = NEVER_NS
}

/** The node of a file that was read; undefined if it is left out. */
export function makeFileNode(entry: TreeEntry, { ids, fault }: Content): NewNode | undefined {
  if (!ids) return undefined
  if (fault !== undefined) distrust(entry)
  return { entry, content: ids, subtree: null, same: false }
}
