import { type Node, type NodeFacts, nodeJson } from '../../src/restic/nodes/node.ts'
import { nodeBatches } from '../../src/restic/nodes/read-nodes.ts'
import type { TreeEntry } from '../../src/volume/tree/entry.ts'

const ROOT = Buffer.alloc(0)

export function encodeNode(entry: TreeEntry, facts: NodeFacts): Buffer {
  return Buffer.from(nodeJson(entry, facts))
}

/** Reads a tree in `folder` that has only this node; undefined for a socket. */
export function parseNode(json: Buffer | string, folder: Buffer = ROOT): Node | undefined {
  return readNodes(Buffer.from(`{"nodes":[${json}]}`), folder).next().value ?? undefined
}

export function* readNodes(tree: Buffer, folder: Buffer = ROOT): Generator<Node, undefined> {
  for (const batch of nodeBatches(tree, folder)) yield* batch
}
