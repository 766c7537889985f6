import type { Node } from '../nodes/node.ts'
import { nodeBatches, streamNodes } from '../nodes/read-nodes.ts'

/** Of a repository, what reading trees needs. */
export interface TreeSource {
  readBlob(type: 'tree', id: Buffer): Promise<Buffer>
  blobSize?(type: 'tree', id: Buffer): number | undefined
  streamBlob?(type: 'tree', id: Buffer): AsyncIterable<Buffer>
}

const NOWHERE = Buffer.alloc(0)
/** Larger trees, of tens of thousands of names, are not held whole. */
export const LARGE_TREE = 8 << 20

/** The nodes of a tree, by name, some at a time; their paths begin with `folder`. */
export async function* treeBatches(
  source: TreeSource,
  id: Buffer,
  folder: Buffer = NOWHERE,
): AsyncGenerator<Node[]> {
  const isLarge = (source.blobSize?.('tree', id) ?? 0) > LARGE_TREE
  if (isLarge && source.streamBlob) yield* streamNodes(source.streamBlob('tree', id), folder)
  else yield* nodeBatches(await source.readBlob('tree', id), folder)
}

/** The same one by one. */
export async function* readTree(source: TreeSource, id: Buffer, folder?: Buffer): AsyncGenerator<Node> {
  for await (const nodes of treeBatches(source, id, folder)) yield* nodes
}

/** The node of one name, in the tree of `folder`. */
export async function findChild(
  source: TreeSource,
  tree: { id: Buffer; folder: Buffer },
  name: Buffer,
): Promise<Node | undefined> {
  for await (const nodes of treeBatches(source, tree.id, tree.folder)) {
    const found = nodes.find((node) => node.name.equals(name))
    if (found) return found
    const last = nodes.at(-1)
    if (last && last.name.compare(name) > 0) return undefined
  }
  return undefined
}
