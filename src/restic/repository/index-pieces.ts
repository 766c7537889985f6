/** What an index file holds, handed over as it is read. */
export interface IndexReader {
  /** Reads a blob as blob() does where it can tell that one lies whole in `chunk` from `at` on; gives its end. */
  blobAt?(chunk: Buffer, at: number): number | undefined
  /** A blob of the pack that is named next. `json` is one small object. */
  blob(json: string): void
  /** The pack that all blobs since the last one lie in: an object whose `blobs` are left out. */
  pack(json: string): void
  /** The rest, at the end: an object whose `packs` are left out. */
  rest(json: string): void
}

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
/** `{"packs":[{"blobs":[{`: how deep the objects stand. */
const ROOT = 1
const PACK = 3
const BLOB = 5
/** No pack's own fields, no blob, is longer. */
const LONGEST = 1024 * 1024
/** Of the root, with the ids of the index files that it replaces: 200,000 of them. */
const LONGEST_ROOT = 16 * 1024 * 1024
/** An object without another in it, and with no bracket nor escape in its strings. */
const FLAT = /^\{(?:[^"\\{}]*"[^"\\{}]*")*[^"\\{}]*\}$/

/**
 * Takes the JSON of an index file apart while it comes in: what is parsed at once is one blob, or one pack without its
 * blobs, however large the file is and in whatever order its fields stand.
 */
export class IndexPieces {
  readonly #reader: IndexReader
  #depth = 0
  #inString = false
  #escaped = false
  /** An object was handed over: the comma behind it has nothing to part. */
  #afterObject = false
  /** Text that has come of each object that is open: of the root, of a pack, of a blob. */
  readonly #texts = new Map<number, string>()

  constructor(reader: IndexReader) {
    this.#reader = reader
  }

  /** Throws a SyntaxError where it is no JSON. */
  push(chunk: Buffer): void {
    /** Where the text begins that no object has yet. */
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
    if (this.#depth !== 0 || this.#inString) throw new SyntaxError('it ends in the middle')
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

  /** A blob that ends in this chunk and holds nothing unusual is handed over at once; resolves to its end. */
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
    if (depth === 0) throw new SyntaxError('it closes more than it opens')
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
    if (text.length > (owner === ROOT ? LONGEST_ROOT : LONGEST))
      throw new SyntaxError('a part of it is far too long')
    this.#texts.set(owner, text)
  }
}

function isObjectDepth(depth: number): boolean {
  return depth === ROOT || depth === PACK || depth === BLOB
}
