import { badTree } from './parse-node.ts'

const OPENING = Buffer.from('{"nodes":[')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const CLOSE_LIST = 0x5d

/** Nodes together are parsed faster than one by one. */
const TOGETHER = 64 * 1024

/**
 * Cuts the JSON of a tree, which may be larger than memory and far larger than any string, into lists of whole nodes:
 * give it the bytes piece by piece, take JSON of lists.
 */
export class NodeSplitter {
  #rest: Buffer = Buffer.alloc(0)
  /** How far `rest` was looked at. */
  #at = 0
  /** Open braces in the node that is being read. */
  #depth = 0
  #inText = false
  #opened = false
  #closed = false

  /** The lists that `piece` completes. */
  push(piece: Buffer): string[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    if (!this.#opened && !this.#open()) return []
    const lists: string[] = []
    let start = 0
    let whole = 0
    for (let end = this.#nextEnd(); end > 0; end = this.#nextEnd()) {
      whole = end
      if (end - start < TOGETHER) continue
      lists.push(this.#list(start, end))
      start = end
    }
    if (whole > start) lists.push(this.#list(start, whole))
    this.#drop(whole)
    return lists
  }

  /** Throws SNAPSHOT_CORRUPT where the tree was not whole. */
  finish(): void {
    if (!this.#closed) throw badTree('it is cut off')
  }

  #open(): boolean {
    if (this.#rest.length < OPENING.length) return false
    if (!this.#rest.subarray(0, OPENING.length).equals(OPENING)) throw badTree('it does not begin as a tree')
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

  /** Behind the next node that is whole; 0 where there is none. */
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
