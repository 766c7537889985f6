import type { TreeEntry } from '../../volume/tree/entry.ts'
import { componentsOf } from '../../volume/tree/write-paths.ts'
import type { Node } from '../nodes/node.ts'
import type { SnapshotFile } from '../nodes/snapshot-file.ts'
import { type Change, changeOf } from './compare-nodes.ts'
import { findChild, type TreeSource } from './tree-source.ts'
import { volumeTree } from './volume-tree.ts'

export interface Point {
  id: string
  snapshot: Pick<SnapshotFile, 'tree' | 'paths'>
  /** The volume's path, where it is not the snapshot's own. */
  volume?: string
}

/** A file at one point in time. */
export interface HistoryEntry {
  snapshot: string
  /** Null where it was not there. */
  entry: TreeEntry | null
  /** Against the point before: `added` at the first that has it, `removed` at the first that does not; null = the same. */
  change: Change | 'added' | 'removed' | null
}

/**
 * One path of the volume through snapshots, which come in the order of their time, the oldest first. A directory
 * counts as changed where its own metadata did.
 */
export async function* fileHistory(
  source: TreeSource,
  points: Iterable<Point> | AsyncIterable<Point>,
  path: Buffer,
): AsyncGenerator<HistoryEntry> {
  const way = new Way(source, componentsOf(path))
  let before: Node | undefined
  for await (const { id, snapshot, volume } of points) {
    const { tree } = await volumeTree(source, snapshot, volume)
    const node = await way.find(tree)
    yield { snapshot: id, entry: node?.entry ?? null, change: changeSince(before, node) }
    before = node
  }
}

function changeSince(before: Node | undefined, node: Node | undefined): HistoryEntry['change'] {
  if (before && node) return changeOf(before, node) ?? null
  if (node) return 'added'
  return before ? 'removed' : null
}

/** Goes down the same names again and again; a tree that it met last time is not read again. */
class Way {
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
