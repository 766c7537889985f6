import { type TreeSource, treeBatches } from '../read/tree-source.ts'

/** Counts the files in these trees and their subtrees. */
export async function countFiles(source: TreeSource, trees: Buffer[], signal: AbortSignal): Promise<number> {
  let files = 0
  const left = [...trees]
  for (let tree = left.pop(); tree; tree = left.pop()) {
    signal.throwIfAborted()
    for await (const nodes of treeBatches(source, tree)) {
      for (const { entry, subtree } of nodes) {
        if (entry.type === 'file') files++
        if (subtree) left.push(subtree)
      }
    }
  }
  return files
}
