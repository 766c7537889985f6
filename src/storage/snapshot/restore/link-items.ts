import { createLinkTable, type LinkTable } from '../../archive/link-table.ts'
import type { Node } from '../nodes/node.ts'

/** A node to restore. */
export interface RestoreItem {
  node: Node
  /** The path that has the same inode and was restored before. */
  linkTo: Buffer | null
  /** The pieces to write: none of a hard link. */
  content: readonly Buffer[]
}

/** Tells hard links from first names, by device and inode as restic does. */
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
  const first = links.find(entry.device, entry.inode)
  if (first?.offset === likeness) return { node, linkTo: first.path, content: [] }
  if (!first) links.add(entry.device, entry.inode, { path: entry.path, offset: likeness })
  return { node, linkTo: null, content: node.content }
}

/** Names of one inode that were read at different times, with a change between, are no longer alike: no links then. */
function likenessOf({ entry, content }: Node): number {
  let sum = entry.size + entry.type.length
  for (const id of content) sum = (sum * 31 + id.readUInt32LE(0)) % 2 ** 40
  return sum
}
