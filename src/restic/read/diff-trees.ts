import type { TreeEntry } from '../../volume/tree/entry.ts'
import { componentsOf } from '../../volume/tree/write-paths.ts'
import type { Node } from '../nodes/node.ts'
import { type Change, changeOf } from './compare-nodes.ts'
import { type Joined, joinNames, nothing } from './join-names.ts'
import { readTree, type TreeSource } from './tree-source.ts'

/** One thing that is not as it was. */
export interface Difference {
  change: Change | 'added' | 'removed'
  path: Buffer
  /** Null where it was added. */
  before: TreeEntry | null
  /** Null where it was removed. */
  after: TreeEntry | null
}

export interface DiffOptions {
  signal: AbortSignal
  /** Only what comes after this path of an earlier difference. */
  after?: Buffer
}

/** A tree that is there in both, in one, or in none. */
interface Pair {
  before: Buffer | null
  after: Buffer | null
  folder: Buffer
}

const NOWHERE = Buffer.alloc(0)

/**
 * What differs between two trees, streamed: each directory before what is in it, by the bytes of the names. Everything
 * in an added, removed or replaced directory is told too. Equal trees are not read.
 */
export function diffTrees(
  source: TreeSource,
  { before, after }: { before: Buffer; after: Buffer },
  options: DiffOptions,
): AsyncGenerator<Difference> {
  const resume = componentsOf(options.after ?? NOWHERE)
  return diffPair({ source, options }, { before, after, folder: NOWHERE }, resume)
}

interface Diff {
  source: TreeSource
  options: DiffOptions
}

/** A pair of folders that is being gone through. */
interface Level {
  joined: AsyncGenerator<Joined<Node, Node>>
  /** The names, from this folder on, that lead to the last difference that is known already. */
  resume: readonly Buffer[]
}

/** No call within a call: trees may be deeper than any stack. */
async function* diffPair(diff: Diff, top: Pair, resume: readonly Buffer[]): AsyncGenerator<Difference> {
  if (sameTree(top)) return
  const levels = [enter(diff, top, resume)]
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
      const found = order > 0 ? differenceOf(before, after) : undefined
      if (found) yield found
      const inner = { before: before?.subtree ?? null, after: after?.subtree ?? null, folder: entry.path }
      const isFolder = inner.before !== null || inner.after !== null
      if (isFolder && !sameTree(inner)) levels.push(enter(diff, inner, order === 0 ? deeper : []))
    }
  } finally {
    for (const { joined } of levels) await joined.return(undefined)
  }
}

function enter({ source, options }: Diff, pair: Pair, resume: readonly Buffer[]): Level {
  options.signal.throwIfAborted()
  return { joined: joined(source, pair), resume }
}

function sameTree({ before, after }: Pair): boolean {
  return before !== null && after !== null && before.equals(after)
}

function differenceOf(before: Node | undefined, after: Node | undefined): Difference | undefined {
  const change = before && after ? changeOf(before, after) : before ? 'removed' : 'added'
  if (!change) return undefined
  const path = (after ?? before)?.entry.path ?? NOWHERE
  return { change, path, before: before?.entry ?? null, after: after?.entry ?? null }
}

function joined(source: TreeSource, { before, after, folder }: Pair): AsyncGenerator<Joined<Node, Node>> {
  return joinNames(
    before ? readTree(source, before, folder) : nothing(),
    after ? readTree(source, after, folder) : nothing(),
  )
}

/** One page of it. `next` is the `after` of the page that follows; null where none does. */
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
