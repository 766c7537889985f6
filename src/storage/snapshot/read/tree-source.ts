import type { Node } from '../nodes/node.ts'
import { nodeBatches, readNodes } from '../nodes/read-nodes.ts'

/** Of a repository, what reading trees needs. */
export interface TreeSource {
  readBlob(type: 'tree', id: Buffer): Promise<Buffer>
}

const NOWHERE = Buffer.alloc(0)

/** The nodes of a tree, by name; their paths begin with `folder`. */
export async function readTree(
  source: TreeSource,
  id: Buffer,
  folder: Buffer = NOWHERE,
): Promise<Generator<Node>> {
  return readNodes(await source.readBlob('tree', id), folder)
}

/** The node of one name, in the tree of `folder`. */
export async function findChild(
  source: TreeSource,
  tree: { id: Buffer; folder: Buffer },
  name: Buffer,
): Promise<Node | undefined> {
  for (const nodes of nodeBatches(await source.readBlob('tree', tree.id), tree.folder)) {
    const found = nodes.find((node) => node.name.equals(name))
    if (found) return found
    const last = nodes.at(-1)
    if (last && last.name.compare(name) > 0) return undefined
  }
  return undefined
}
