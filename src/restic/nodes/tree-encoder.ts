import type { TreeEntry } from '../../volume/tree/entry.ts'
import { lastName, type NodeFacts, nodeJson } from './node.ts'

/** The length of the text that is collected before it becomes bytes. */
const MIN_PIECE_LENGTH = 64 * 1024

/**
 * Encodes a tree blob in pieces, like restic: `{"nodes":[…]}` and a newline. Entries must come in the order of the
 * bytes of their names. The pieces from takePiece() and finish(), in order, are the blob.
 */
export class TreeEncoder {
  #text = '{"nodes":['
  #last: Buffer | undefined

  /** Throws if the name does not come after the one before: that is a mistake of the caller. */
  add(entry: TreeEntry, facts: NodeFacts): void {
    const name = lastName(entry.path)
    if (this.#last && this.#last.compare(name) >= 0) throw new Error('the names of a tree are not in order')
    const json = nodeJson(entry, facts)
    this.#text += this.#last ? `,${json}` : json
    this.#last = name
  }

  /** Removes and returns the bytes so far; undefined while there are only a few. */
  takePiece(): Buffer | undefined {
    if (this.#text.length < MIN_PIECE_LENGTH) return undefined
    const piece = Buffer.from(this.#text)
    this.#text = ''
    return piece
  }

  finish(): Buffer {
    return Buffer.from(`${this.#text}]}\n`)
  }
}

/** Encodes a whole tree. */
export function encodeTree(nodes: Iterable<{ entry: TreeEntry } & NodeFacts>): Buffer {
  const encoder = new TreeEncoder()
  const pieces: Buffer[] = []
  for (const node of nodes) {
    encoder.add(node.entry, node)
    const piece = encoder.takePiece()
    if (piece) pieces.push(piece)
  }
  const end = encoder.finish()
  return pieces.length === 0 ? end : Buffer.concat([...pieces, end])
}
