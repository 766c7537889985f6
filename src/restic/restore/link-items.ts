import { LinkTable } from '../../volume/tree/link-table.ts'
import type { Node } from '../nodes/node.ts'

/** A node to restore. */
export interface RestoreItem {
  node: Node
  /** The path of an earlier entry with the same inode. */
  linkTo: Buffer | null
  /** The ids of the content to write; empty for a hard link. */
  content: readonly Buffer[]
}

/** Finds hard links by device and inode, like restic, but only if the nodes describe the same file. */
export async function* linkItems(
  batches: AsyncIterable<Node[]>,
): AsyncGenerator<RestoreItem[], undefined, undefined> {
  using links = new LinkTable()
  for await (const nodes of batches) yield nodes.map((node) => createItem(links, node))
}

function createItem(links: LinkTable, node: Node): RestoreItem {
  const { entry } = node
  if (entry.links < 2 || entry.type === 'directory' || entry.inode === 0n)
    return { node, linkTo: null, content: node.content }
  const contentHash = hashContent(node)
  const first = links.claim(entry)
  if (first?.isSame && first.offset === contentHash) return { node, linkTo: first.path, content: [] }
  links.add(entry, { path: entry.path, offset: contentHash })
  return { node, linkTo: null, content: node.content }
}

/** A checksum of the content ids: names of one inode with different content are not restored as links. */
function hashContent({ entry, content }: Node): number {
  let sum = entry.size + entry.type.length
  for (const id of content) sum = (sum * 31 + id.readUInt32LE(0)) % 2 ** 40
  return sum
}
