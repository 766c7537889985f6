import { badTree } from './parse-node.ts'

const OPENING = Buffer.from('{"nodes":[')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const CLOSE_LIST = 0x5d

/** Nodes are returned in lists of about this size, because to parse them one by one takes longer. */
const MIN_LIST_BYTES = 64 * 1024

/**
 * Cuts the JSON of a tree, which may be larger than the longest string, into lists of complete nodes. Takes the bytes
 * piece by piece and returns each list as JSON.
 */
export class NodeSplitter {
  #rest: Buffer = Buffer.alloc(0)
  /** `rest` is scanned up to here. */
  #at = 0
  /** Open braces in the node that is being read. */
  #depth = 0
  #inText = false
  #opened = false
  #closed = false

  /** Returns the lists that `piece` completes. */
  push(piece: Buffer): string[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    if (!this.#opened && !this.#open()) return []
    const lists: string[] = []
    let start = 0
    let whole = 0
    for (let end = this.#nextEnd(); end > 0; end = this.#nextEnd()) {
      whole = end
      if (end - start < MIN_LIST_BYTES) continue
      lists.push(this.#list(start, end))
      start = end
    }
    if (whole > start) lists.push(this.#list(start, whole))
    this.#drop(whole)
    return lists
  }

  /** Throws SNAPSHOT_CORRUPT if the tree is incomplete. */
  finish(): void {
    if (!this.#closed) throw badTree('it ends too early')
  }

  #open(): boolean {
    if (this.#rest.length < OPENING.length) return false
    if (!this.#rest.subarray(0, OPENING.length).equals(OPENING))
      throw badTree(`it does not begin with ${OPENING}`)
    this.#drop(OPENING.length)
    this.#opened = true
    return true
  }

  #drop(count: number): void {
    this.#rest = this.#rest.subarray(count)
    this.#at = Math.max(this.#at - count, 0)
  }

  #list(start: number, end: number): string {
    const from = this.#rest[start] === 0x2c ? start + 1 : start
    return `[${this.#rest.toString('utf8', from, end)}]`
  }

  /** The end of the next complete node; 0 if there is none yet. */
  #nextEnd(): number {
    const bytes = this.#rest
    let at = this.#at
    let depth = this.#depth
    let inText = this.#inText
    let end = 0
    for (; at < bytes.length && end === 0; at++) {
      const byte = bytes[at]
      if (inText) {
        if (byte === BACKSLASH) at++
        else if (byte === QUOTE) inText = false
      } else if (byte === QUOTE) inText = true
      else if (byte === OPEN_OBJECT) depth++
      else if (byte === CLOSE_OBJECT && --depth === 0) end = at + 1
      else if (byte === CLOSE_LIST && depth === 0) this.#closed = true
    }
    this.#at = at
    this.#depth = depth
    this.#inText = inText
    return end
  }
}
