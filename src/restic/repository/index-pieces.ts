/** Receives the content of an index file while it is read. */
export interface IndexReader {
  /** Fast path of blob(): reads a blob that is complete in `chunk` from `at` on. Returns its end, or undefined. */
  blobAt?(chunk: Buffer, at: number): number | undefined
  /** A blob of the pack that follows. `json` is one small object. */
  blob(json: string): void
  /** The pack of all blobs since the last one: an object without its `blobs`. */
  pack(json: string): void
  /** The rest, at the end: the root object without its `packs`. */
  rest(json: string): void
}

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
/** `{"packs":[{"blobs":[{`: the depth of the objects. */
const ROOT = 1
const PACK = 3
const BLOB = 5
/** Characters of a pack's own fields, or of a blob. */
const MAX_LENGTH = 1024 * 1024
/** Characters of the root: room for the ids of 200,000 superseded index files. */
const MAX_ROOT_LENGTH = 16 * 1024 * 1024
/** An object without nested objects, and without brackets or escapes in its strings. */
const FLAT = /^\{(?:[^"\\{}]*"[^"\\{}]*")*[^"\\{}]*\}$/

/**
 * Splits the JSON of an index file while it is read: only one blob, or one pack without its blobs, is parsed at a time,
 * whatever the size of the file and the order of its fields.
 */
export class IndexPieces {
  readonly #reader: IndexReader
  #depth = 0
  #inString = false
  #escaped = false
  /** An object was just handed over, so the comma after it is dropped. */
  #afterObject = false
  /** The text so far of each open object, by depth: root, pack, blob. */
  readonly #texts = new Map<number, string>()

  constructor(reader: IndexReader) {
    this.#reader = reader
  }

  /** Throws a SyntaxError if it is not JSON. */
  push(chunk: Buffer): void {
    /** The start of text that was not added to an object yet. */
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#inString) this.#stringByte(byte)
      else if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        from = this.#open(chunk, from, at)
        if (from > at) at = from - 1
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) from = this.#close(chunk, from, at)
      else if (byte === COMMA && this.#afterObject) {
        this.#keep(chunk, from, at)
        this.#afterObject = false
        from = at + 1
      }
    }
    this.#keep(chunk, from, chunk.length)
  }

  end(): void {
    if (this.#depth !== 0 || this.#inString) throw new SyntaxError('it ends too early')
  }

  #stringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#inString = false
  }

  #open(chunk: Buffer, from: number, at: number): number {
    this.#afterObject = false
    if (!isObjectDepth(this.#depth + 1)) {
      this.#depth += 1
      return from
    }
    this.#keep(chunk, from, at)
    const end = this.#depth + 1 === BLOB ? this.#wholeBlob(chunk, at) : undefined
    if (end !== undefined) return end
    this.#depth += 1
    this.#texts.set(this.#depth, '')
    return at
  }

  /** Hands over a blob that ends in this chunk and has nothing unusual. Returns its end, or undefined. */
  #wholeBlob(chunk: Buffer, at: number): number | undefined {
    const end = this.#reader.blobAt?.(chunk, at) ?? this.#flatBlob(chunk, at)
    if (end !== undefined) this.#afterObject = true
    return end
  }

  #flatBlob(chunk: Buffer, at: number): number | undefined {
    const end = chunk.indexOf(CLOSE_OBJECT, at) + 1
    if (end === 0) return undefined
    const json = chunk.toString('latin1', at, end)
    if (!FLAT.test(json)) return undefined
    this.#reader.blob(json)
    return end
  }

  #close(chunk: Buffer, from: number, at: number): number {
    this.#afterObject = false
    const depth = this.#depth
    if (depth === 0) throw new SyntaxError('it has more closing than opening brackets')
    if (!isObjectDepth(depth)) {
      this.#depth -= 1
      return from
    }
    this.#keep(chunk, from, at + 1)
    this.#depth -= 1
    this.#handOver(depth)
    return at + 1
  }

  #handOver(depth: number): void {
    const text = this.#texts.get(depth) ?? ''
    this.#texts.delete(depth)
    this.#afterObject = depth !== ROOT
    if (depth === BLOB) this.#reader.blob(text)
    else if (depth === PACK) this.#reader.pack(text)
    else this.#reader.rest(text)
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (from >= to) return
    const owner = this.#depth >= BLOB ? BLOB : this.#depth >= PACK ? PACK : ROOT
    const text = (this.#texts.get(owner) ?? '') + chunk.toString('latin1', from, to)
    if (text.length > (owner === ROOT ? MAX_ROOT_LENGTH : MAX_LENGTH))
      throw new SyntaxError('one of its objects is too long')
    this.#texts.set(owner, text)
  }
}

function isObjectDepth(depth: number): boolean {
  return depth === ROOT || depth === PACK || depth === BLOB
}
