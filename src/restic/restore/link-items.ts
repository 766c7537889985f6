import { createLinkTable, type LinkTable } from '../../volume/tree/link-table.ts'
import type { Node } from '../nodes/node.ts'

/** A node to restore. */
export interface RestoreItem {
  node: Node
  /** The path that has the same inode and was restored before. */
  linkTo: Buffer | null
  /** The pieces to write: none of a hard link. */
  content: readonly Buffer[]
}

/** Finds the hard links: by device and inode as restic does, if they describe the same file. */
export async function* linkItems(
  batches: AsyncIterable<Node[]>,
): AsyncGenerator<RestoreItem[], undefined, undefined> {
  using links = createLinkTable()
  for await (const nodes of batches) yield nodes.map((node) => itemOf(links, node))
}

function itemOf(links: LinkTable, node: Node): RestoreItem {
  const { entry } = node
  if (entry.links < 2 || entry.type === 'directory' || entry.inode === 0n)
    return { node, linkTo: null, content: node.content }
  const likeness = likenessOf(node)
  const first = links.claim(entry)
  if (first?.isSame && first.offset === likeness) return { node, linkTo: first.path, content: [] }
  links.add(entry, { path: entry.path, offset: likeness })
  return { node, linkTo: null, content: node.content }
}

/** Names of one inode that were read at different times may have different content: they are not restored as links. */
function likenessOf({ entry, content }: Node): number {
  let sum = entry.size + entry.type.length
  for (const id of content) sum = (sum * 31 + id.readUInt32LE(0)) % 2 ** 40
  return sum
}
