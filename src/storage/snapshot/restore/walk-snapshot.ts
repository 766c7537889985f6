import type { Choice, Chosen } from '../../tree/chosen-paths.ts'
import type { Node } from '../nodes/node.ts'
import { type TreeSource, treeBatches } from '../read/tree-source.ts'
import type { Damage } from './damage.ts'

export interface SnapshotWalk {
  source: TreeSource
  chosen: Chosen
  damage: Damage
  signal: AbortSignal
}

const NOWHERE = Buffer.alloc(0)

/** Everything chosen below a tree, each directory before what is in it. A tree that is damaged is left out, and noted. */
export async function* walkSnapshot(walk: SnapshotWalk, tree: Buffer): AsyncGenerator<Node[]> {
  yield* walkFolder(walk, { tree, path: NOWHERE, choice: walk.chosen.of(NOWHERE) })
}

interface Place {
  tree: Buffer
  path: Buffer
  choice: Choice
}

async function* walkFolder(walk: SnapshotWalk, { tree, path, choice }: Place): AsyncGenerator<Node[]> {
  walk.signal.throwIfAborted()
  for await (const nodes of batchesOf(walk, tree, path)) {
    let plain: Node[] = []
    for (const node of nodes) {
      const inner = choice === 'all' ? 'all' : walk.chosen.of(node.entry.path)
      if (inner === 'none' || (inner === 'way' && !node.subtree)) continue
      plain.push(node)
      if (!node.subtree) continue
      yield plain
      plain = []
      yield* walkFolder(walk, { tree: node.subtree, path: node.entry.path, choice: inner })
    }
    if (plain.length > 0) yield plain
  }
}

/** Damage may come to light behind the last node of a large tree. */
async function* batchesOf(walk: SnapshotWalk, tree: Buffer, path: Buffer): AsyncGenerator<Node[]> {
  try {
    yield* treeBatches(walk.source, tree, path)
  } catch (error) {
    walk.damage.add(path, error)
  }
}
