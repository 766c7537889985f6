import { messageOf } from '../../lib/errors.ts'
import type { Node } from './node.ts'
import { NodeSplitter } from './node-splitter.ts'
import { badTree, nodeOf, prefixOf, quoteLargeNumbers, type RawNode } from './parse-node.ts'

/** Up to this a tree is parsed at once. */
const SMALL_TREE = 256 * 1024
const PIECE = 1 << 20

/** The nodes of a tree, by name, whose paths begin with `folder`. Throws SNAPSHOT_CORRUPT. */
export function* readNodes(tree: Buffer, folder: Buffer = Buffer.alloc(0)): Generator<Node> {
  for (const batch of nodeBatches(tree, folder)) yield* batch
}

/** The same, some at a time. */
export function* nodeBatches(tree: Buffer, folder: Buffer): Generator<Node[]> {
  const parser = new BatchParser(folder)
  if (tree.length <= SMALL_TREE) {
    yield parser.nodes(wholeTree(tree))
    return
  }
  const splitter = new NodeSplitter()
  for (let at = 0; at < tree.length; at += PIECE) {
    for (const list of splitter.push(tree.subarray(at, at + PIECE))) yield parser.nodes(parse(list))
  }
  splitter.finish()
}

/** The same of a tree that comes in pieces. */
export async function* streamNodes(
  pieces: AsyncIterable<Buffer>,
  folder: Buffer = Buffer.alloc(0),
): AsyncGenerator<Node[]> {
  const parser = new BatchParser(folder)
  const splitter = new NodeSplitter()
  for await (const piece of pieces) {
    for (const list of splitter.push(piece)) yield parser.nodes(parse(list))
  }
  splitter.finish()
}

function wholeTree(tree: Buffer): unknown {
  const { nodes } = parse(tree.toString('utf8')) as { nodes?: unknown }
  return nodes ?? []
}

function parse(json: string): unknown {
  try {
    return JSON.parse(quoteLargeNumbers(json)) ?? {}
  } catch (error) {
    throw badTree(messageOf(error))
  }
}

/** Makes nodes of lists, and sees that they come by name: who merges trees counts on it. */
class BatchParser {
  readonly #prefix: Buffer
  #last: Buffer | undefined

  constructor(folder: Buffer) {
    this.#prefix = prefixOf(folder)
  }

  nodes(list: unknown): Node[] {
    if (!Array.isArray(list)) throw badTree('its nodes are no list')
    const nodes: Node[] = []
    for (const raw of list as RawNode[]) {
      const node = nodeOf(raw ?? {}, this.#prefix)
      if (!node) continue
      if (this.#last && this.#last.compare(node.name) >= 0) throw badTree('its names are not in order')
      this.#last = node.name
      nodes.push(node)
    }
    return nodes
  }
}
