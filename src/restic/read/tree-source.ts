// Reads snapshots without restoring them: finds the volume in a snapshot (volume-tree.ts), lists a folder, compares
// two trees, follows a file through snapshots. Trees are streamed, because a directory can be larger than memory. The
// store's series, and restic/write, restore and prune, use it. It reads tree blobs only, never file content, and
// writes nothing.

import type { Node } from '../nodes/node.ts'
import { nodeBatches, streamNodes } from '../nodes/read-nodes.ts'

/** The methods of a repository that are needed to read trees. */
export interface TreeSource {
  readBlob(type: 'tree', id: Buffer): Promise<Buffer>
  blobSize?(type: 'tree', id: Buffer): number | undefined
  streamBlob?(type: 'tree', id: Buffer): AsyncIterable<Buffer>
}

const NOWHERE = Buffer.alloc(0)
/** Larger trees, with tens of thousands of names, are not kept in memory as a whole. */
export const LARGE_TREE_BYTES = 8 << 20

/** Reads the nodes of a tree in batches, in the order of their names; their paths begin with `folder`. */
export async function* treeBatches(
  source: TreeSource,
  id: Buffer,
  folder: Buffer = NOWHERE,
): AsyncGenerator<Node[]> {
  const isLarge = (source.blobSize?.('tree', id) ?? 0) > LARGE_TREE_BYTES
  if (isLarge && source.streamBlob) yield* streamNodes(source.streamBlob('tree', id), folder)
  else yield* nodeBatches(await source.readBlob('tree', id), folder)
}

/** Like treeBatches(), one by one. */
export async function* readTree(source: TreeSource, id: Buffer, folder?: Buffer): AsyncGenerator<Node> {
  for await (const nodes of treeBatches(source, id, folder)) yield* nodes
}

/** Finds the node with this name in the tree of `folder`. */
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
