import type { Choice, Chosen } from '../../volume/tree/chosen-paths.ts'
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

/** Walks the chosen nodes below a tree, each directory before its content. Damaged trees are left out, and noted. */
export async function* walkSnapshot(walk: SnapshotWalk, tree: Buffer): AsyncGenerator<Node[]> {
  // Not recursive, because a tree may be deeper than the call stack.
  const levels = [openLevel(walk, { tree, path: NOWHERE, choice: walk.chosen.of(NOWHERE) })]
  try {
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const { nodes, inner } = nextNodes(walk, level)
      if (nodes.length > 0) yield nodes
      if (inner) levels.push(openLevel(walk, inner))
      else if (!(await refill(level))) levels.pop()
    }
  } finally {
    for (const { batches } of levels) await batches.return(undefined)
  }
}

/** A directory to enter. */
interface Step {
  tree: Buffer
  path: Buffer
  choice: Choice
}

/** A directory that is being read. */
interface RestoredLevel {
  batches: AsyncGenerator<Node[]>
  choice: Choice
  nodes: readonly Node[]
  at: number
}

function openLevel(walk: SnapshotWalk, { tree, path, choice }: Step): RestoredLevel {
  walk.signal.throwIfAborted()
  return { batches: readBatches(walk, tree, path), choice, nodes: [], at: 0 }
}

/** The chosen nodes of the batch up to its next directory, which the caller then enters. */
function nextNodes(walk: SnapshotWalk, level: RestoredLevel): { nodes: Node[]; inner: Step | undefined } {
  const nodes: Node[] = []
  while (level.at < level.nodes.length) {
    const node = level.nodes[level.at++] as Node
    const { path } = node.entry
    const choice = level.choice === 'all' ? 'all' : walk.chosen.of(path)
    if (choice === 'none' || (choice === 'ancestor' && !node.subtree)) continue
    nodes.push(node)
    if (node.subtree) return { nodes, inner: { tree: node.subtree, path, choice } }
  }
  return { nodes, inner: undefined }
}

/** False at the end of the directory. */
async function refill(level: RestoredLevel): Promise<boolean> {
  const { value, done } = await level.batches.next()
  if (done) return false
  level.nodes = value
  level.at = 0
  return true
}

/** Damage of a large tree may be detected only after its last node. */
async function* readBatches(walk: SnapshotWalk, tree: Buffer, path: Buffer): AsyncGenerator<Node[]> {
  try {
    yield* treeBatches(walk.source, tree, path)
  } catch (error) {
    walk.damage.add(path, error)
  }
}
