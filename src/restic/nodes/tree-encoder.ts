import type { TreeEntry } from '../../volume/tree/entry.ts'
import { type NodeFacts, nameOf, nodeJson } from './node.ts'

/** Text kept before it becomes bytes. */
const PIECE = 64 * 1024

/**
 * A tree blob in pieces: `{"nodes":[…]}` and a newline, as restic has it. The entries come by the bytes of their
 * names. What take() gives, in order, is the blob.
 */
export class TreeEncoder {
  #text = '{"nodes":['
  #last: Buffer | undefined

  /** Throws where the name does not come after the one before: that is a fault of the caller's. */
  add(entry: TreeEntry, facts: NodeFacts): void {
    const name = nameOf(entry.path)
    if (this.#last && this.#last.compare(name) >= 0) throw new Error('the names of a tree are not in order')
    const json = nodeJson(entry, facts)
    this.#text += this.#last ? `,${json}` : json
    this.#last = name
  }

  /** The bytes so far, worth taking from time to time: undefined while they are few. */
  take(): Buffer | undefined {
    if (this.#text.length < PIECE) return undefined
    const piece = Buffer.from(this.#text)
    this.#text = ''
    return piece
  }

  finish(): Buffer {
    return Buffer.from(`${this.#text}]}\n`)
  }
}

/** A whole tree at once. */
export function encodeTree(nodes: Iterable<{ entry: TreeEntry } & NodeFacts>): Buffer {
  const encoder = new TreeEncoder()
  const pieces: Buffer[] = []
  for (const node of nodes) {
    encoder.add(node.entry, node)
    const piece = encoder.take()
    if (piece) pieces.push(piece)
  }
  const end = encoder.finish()
  return pieces.length === 0 ? end : Buffer.concat([...pieces, end])
}
