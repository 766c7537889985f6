import type { Node } from '../nodes/node.ts'
import { TreeEncoder } from '../nodes/tree-encoder.ts'
import { readTree } from '../read/tree-source.ts'
import { TreeBlob, type TreeStore } from './tree-blob.ts'

/**
 * Merges two trees of the repository: nodes of the first one win, and directories are merged. Resolves with the id of
 * the merged tree.
 */
export async function mergeTrees(store: TreeStore, first: Buffer, second: Buffer): Promise<Buffer> {
  if (first.equals(second)) return first
  const blob = new TreeBlob(store)
  const encoder = new TreeEncoder()
  for await (const node of mergedNodes(store, first, second)) {
    const { entry, subtree } = node
    encoder.add(entry, { content: entry.type === 'file' ? node.content : null, subtree })
    const piece = encoder.takePiece()
    if (piece) await blob.write(piece)
  }
  await blob.write(encoder.finish())
  return await blob.finish()
}

async function* mergedNodes(store: TreeStore, first: Buffer, second: Buffer): AsyncGenerator<Node> {
  const more = readTree(store.repository, second)
  let next = await more.next()
  for await (const node of readTree(store.repository, first)) {
    for (; !next.done && next.value.name.compare(node.name) < 0; next = await more.next()) yield next.value
    const other = next.done || !next.value.name.equals(node.name) ? undefined : next.value
    if (other) next = await more.next()
    yield other ? await mergeNodes(store, node, other) : node
  }
  for (; !next.done; next = await more.next()) yield next.value
}

async function mergeNodes(store: TreeStore, first: Node, second: Node): Promise<Node> {
  if (!first.subtree || !second.subtree) return first
  return { ...first, subtree: await mergeTrees(store, first.subtree, second.subtree) }
}
