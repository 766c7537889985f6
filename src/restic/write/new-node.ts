import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { Content } from './content-pool.ts'
import type { NewNode } from './tree-builder.ts'

/** No file changed last at the beginning of 1970. */
const NEVER_NS = 0n

/** What is not kept as it was there: the next run takes it for changed, and looks at it again. */
export function distrust(entry: TreeEntry): void {
  entry.ctimeNs = NEVER_NS
}

/** The node of a file that was read; nothing where it is left out. */
export function nodeOfContent(entry: TreeEntry, { ids, fault }: Content): NewNode | undefined {
  if (!ids) return undefined
  if (fault !== undefined) distrust(entry)
  return { entry, content: ids, subtree: null, same: false }
}
