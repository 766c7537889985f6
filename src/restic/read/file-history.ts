import type { TreeEntry } from '../../volume/tree/entry.ts'
import { splitComponents } from '../../volume/tree/write-paths.ts'
import type { Node } from '../nodes/node.ts'
import type { SnapshotFile } from '../nodes/snapshot-file.ts'
import { type Change, compareNodes } from './compare-nodes.ts'
import { findChild, type TreeSource } from './tree-source.ts'
import { volumeTree } from './volume-tree.ts'

export interface Point {
  id: string
  snapshot: Pick<SnapshotFile, 'tree' | 'paths'>
  /** The volume's path, if it is not the one that the snapshot records. */
  volume?: string
}

/** A file at one point in time. */
export interface HistoryEntry {
  snapshot: string
  /** Null if it did not exist. */
  entry: TreeEntry | null
  /**
   * Compared to the point before: `added` at the first point that has it, `removed` at the first that does not; null
   * if equal.
   */
  change: Change | 'added' | 'removed' | null
}

/**
 * Follows one path of the volume through snapshots; the oldest one comes first. A directory is changed if its own
 * metadata changed.
 */
export async function* fileHistory(
  source: TreeSource,
  points: Iterable<Point> | AsyncIterable<Point>,
  path: Buffer,
): AsyncGenerator<HistoryEntry> {
  const finder = new PathFinder(source, splitComponents(path))
  let before: Node | undefined
  for await (const { id, snapshot, volume } of points) {
    const { tree } = await volumeTree(source, snapshot, volume)
    const node = await finder.find(tree)
    yield { snapshot: id, entry: node?.entry ?? null, change: findChange(before, node) }
    before = node
  }
}

function findChange(before: Node | undefined, node: Node | undefined): HistoryEntry['change'] {
  if (before && node) return compareNodes(before, node) ?? null
  if (node) return 'added'
  return before ? 'removed' : null
}

/** Finds the same path in one tree after the other. A tree that equals the last one is not read again. */
class PathFinder {
  readonly #source: TreeSource
  readonly #names: readonly Buffer[]
  readonly #seen: { id: Buffer; node: Node | undefined }[] = []

  constructor(source: TreeSource, names: readonly Buffer[]) {
    this.#source = source
    this.#names = names
  }

  async find(tree: Buffer): Promise<Node | undefined> {
    let node: Node | undefined
    for (const depth of this.#names.keys()) {
      const id = depth === 0 ? tree : node?.subtree
      if (!id) return undefined
      node = await this.#step(depth, id, node?.entry.path ?? Buffer.alloc(0))
    }
    return node
  }

  async #step(depth: number, id: Buffer, folder: Buffer): Promise<Node | undefined> {
    const seen = this.#seen[depth]
    if (seen?.id.equals(id)) return seen.node
    const node = await findChild(this.#source, { id, folder }, this.#names[depth] ?? folder)
    this.#seen[depth] = { id, node }
    return node
  }
}
