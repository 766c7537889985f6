import { messageOf } from '../../lib/errors.ts'
import type { Node } from './node.ts'
import { NodeSplitter } from './node-splitter.ts'
import { badTree, decodeNode, pathPrefix, quoteLargeNumbers, type RawNode } from './parse-node.ts'

/** A tree up to this size is parsed as a whole. */
const MAX_WHOLE_BYTES = 256 * 1024
const PIECE_BYTES = 1 << 20

/**
 * Reads the nodes of a tree in batches, in the order of their names; their paths begin with `folder`. Throws
 * SNAPSHOT_CORRUPT.
 */
export function* nodeBatches(tree: Buffer, folder: Buffer): Generator<Node[]> {
  const parser = new BatchParser(folder)
  if (tree.length <= MAX_WHOLE_BYTES) {
    yield parser.nodes(wholeTree(tree))
    return
  }
  const splitter = new NodeSplitter()
  for (let at = 0; at < tree.length; at += PIECE_BYTES) {
    for (const list of splitter.push(tree.subarray(at, at + PIECE_BYTES))) yield parser.nodes(parse(list))
  }
  splitter.finish()
}

/** Like nodeBatches(), for a tree that comes in pieces. */
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

/** Decodes lists of nodes, and checks that names are in order: code that merges trees relies on it. */
class BatchParser {
  readonly #prefix: Buffer
  #last: Buffer | undefined

  constructor(folder: Buffer) {
    this.#prefix = pathPrefix(folder)
  }

  nodes(list: unknown): Node[] {
    if (!Array.isArray(list)) throw badTree('its nodes are not a list')
    const nodes: Node[] = []
    for (const raw of list as RawNode[]) {
      const node = decodeNode(raw ?? {}, this.#prefix)
      if (!node) continue
      if (this.#last && this.#last.compare(node.name) >= 0) throw badTree('its names are not in order')
      this.#last = node.name
      nodes.push(node)
    }
    return nodes
  }
}
