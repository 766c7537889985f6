import type { TreeEntry } from '../../volume/tree/entry.ts'
import { splitComponents } from '../../volume/tree/write-paths.ts'
import type { Node } from '../nodes/node.ts'
import { type Change, compareNodes } from './compare-nodes.ts'
import { emptyList, type Joined, joinNames } from './join-names.ts'
import { readTree, type TreeSource } from './tree-source.ts'

/** One entry that differs between two trees. */
export interface Difference {
  change: Change | 'added' | 'removed'
  path: Buffer
  /** Null if it was added. */
  before: TreeEntry | null
  /** Null if it was removed. */
  after: TreeEntry | null
}

export interface DiffOptions {
  signal: AbortSignal
  /** Skips all differences up to this path, which an earlier call returned. */
  after?: Buffer
}

/** The same directory before and after; null if it did not exist. */
interface TreePair {
  before: Buffer | null
  after: Buffer | null
  folder: Buffer
}

const NOWHERE = Buffer.alloc(0)

/**
 * Streams the differences between two trees: each directory before its entries, in the order of the bytes of names.
 * Includes every entry of an added, removed or replaced directory. Does not read equal trees.
 */
export function diffTrees(
  source: TreeSource,
  { before, after }: { before: Buffer; after: Buffer },
  options: DiffOptions,
): AsyncGenerator<Difference> {
  const resume = splitComponents(options.after ?? NOWHERE)
  return diffPair({ source, options }, { before, after, folder: NOWHERE }, resume)
}

interface Diff {
  source: TreeSource
  options: DiffOptions
}

/** A pair of folders that is being read. */
interface PairLevel {
  joined: AsyncGenerator<Joined<Node, Node>>
  /** The names that lead from this folder to the path in `options.after`. */
  resume: readonly Buffer[]
}

/** Does not recurse, because trees may be deeper than the stack. */
async function* diffPair(diff: Diff, top: TreePair, resume: readonly Buffer[]): AsyncGenerator<Difference> {
  if (sameTree(top)) return
  const levels = [openPair(diff, top, resume)]
  try {
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const { value, done } = await level.joined.next()
      if (done) {
        levels.pop()
        continue
      }
      const [before, after] = value
      const { name, entry } = (after ?? before) as Node
      const [known, ...deeper] = level.resume
      const order = known ? name.compare(known) : 1
      if (order < 0) continue
      const found = order > 0 ? findDifference(before, after) : undefined
      if (found) yield found
      const inner = { before: before?.subtree ?? null, after: after?.subtree ?? null, folder: entry.path }
      const isFolder = inner.before !== null || inner.after !== null
      if (isFolder && !sameTree(inner)) levels.push(openPair(diff, inner, order === 0 ? deeper : []))
    }
  } finally {
    for (const { joined } of levels) await joined.return(undefined)
  }
}

function openPair({ source, options }: Diff, pair: TreePair, resume: readonly Buffer[]): PairLevel {
  options.signal.throwIfAborted()
  return { joined: joinTrees(source, pair), resume }
}

function sameTree({ before, after }: TreePair): boolean {
  return before !== null && after !== null && before.equals(after)
}

function findDifference(before: Node | undefined, after: Node | undefined): Difference | undefined {
  const change = before && after ? compareNodes(before, after) : before ? 'removed' : 'added'
  if (!change) return undefined
  const path = (after ?? before)?.entry.path ?? NOWHERE
  return { change, path, before: before?.entry ?? null, after: after?.entry ?? null }
}

function joinTrees(
  source: TreeSource,
  { before, after, folder }: TreePair,
): AsyncGenerator<Joined<Node, Node>> {
  return joinNames(
    before ? readTree(source, before, folder) : emptyList(),
    after ? readTree(source, after, folder) : emptyList(),
  )
}

/** Returns one page of diffTrees(). `next` is the `after` of the following page; null for the last page. */
export async function diffPage(
  source: TreeSource,
  trees: { before: Buffer; after: Buffer },
  { limit, ...options }: DiffOptions & { limit: number },
): Promise<{ differences: Difference[]; next: Buffer | null }> {
  const differences: Difference[] = []
  for await (const difference of diffTrees(source, trees, options)) {
    if (differences.length === limit) return { differences, next: differences.at(-1)?.path ?? null }
    differences.push(difference)
  }
  return { differences, next: null }
}
