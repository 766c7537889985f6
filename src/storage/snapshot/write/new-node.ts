import type { TreeEntry } from '../../tree/entry.ts'
import type { Reading } from './file-reader.ts'
import type { NewNode } from './tree-builder.ts'

/** No file changed last at the beginning of 1970. */
const NEVER_NS = 0n

/** The node of a file that was read. Where its content is not all that was there the next run takes it for changed. */
export async function nodeOfReading(entry: TreeEntry, { content }: Reading): Promise<NewNode> {
  const { ids, fault } = await content
  if (fault !== undefined) entry.ctimeNs = NEVER_NS
  return { entry, content: ids, subtree: null, same: false }
}
