/** A segment has 2^16 blobs. */
const SHIFT = 16
const SEGMENT_SIZE = 1 << SHIFT
const MASK = SEGMENT_SIZE - 1
const ID_WORDS = 8

/** One blob in one pack, as numbers. `plainLength` is 0 if it is not compressed. */
export interface BlobEntry {
  pack: number
  isTree: boolean
  offset: number
  length: number
  plainLength: number
}

interface Segment {
  ids: Uint32Array
  packs: Uint32Array
  offsets: Uint32Array
  lengths: Uint32Array
  plainLengths: Uint32Array
}

/** Blobs by number, 48 bytes each. Grows by whole segments, so that nothing is copied. */
export class BlobSegments {
  readonly #segments: Segment[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  push(words: Uint32Array, isTree: boolean, place: Omit<BlobEntry, 'isTree'>): number {
    const entry = this.#size++
    const at = entry & MASK
    if (at === 0) this.#segments.push(newSegment())
    const segment = this.#of(entry)
    for (let word = 0; word < ID_WORDS; word++) segment.ids[at * ID_WORDS + word] = words[word] ?? 0
    segment.packs[at] = place.pack * 2 + (isTree ? 1 : 0)
    segment.offsets[at] = place.offset
    segment.lengths[at] = place.length
    segment.plainLengths[at] = place.plainLength
    return entry
  }

  isBlob(entry: number, isTree: boolean, words: Uint32Array): boolean {
    const { ids, packs } = this.#of(entry)
    const at = entry & MASK
    if (((packs[at] ?? 0) & 1) !== (isTree ? 1 : 0)) return false
    for (let word = 0; word < ID_WORDS; word++) {
      if (ids[at * ID_WORDS + word] !== words[word]) return false
    }
    return true
  }

  /** Copies the id of `entry` into `words`. */
  readWords(entry: number, words: Uint32Array): void {
    const from = (entry & MASK) * ID_WORDS
    words.set(this.#of(entry).ids.subarray(from, from + ID_WORDS))
  }

  /** The 32-bit word number `word` of its id. */
  wordOf(entry: number, word: number): number {
    return this.#of(entry).ids[(entry & MASK) * ID_WORDS + word] ?? 0
  }

  packOf(entry: number): number {
    return (this.#of(entry).packs[entry & MASK] ?? 0) >>> 1
  }

  offsetOf(entry: number): number {
    return this.#of(entry).offsets[entry & MASK] ?? 0
  }

  lengthOf(entry: number): number {
    return this.#of(entry).lengths[entry & MASK] ?? 0
  }

  at(entry: number): BlobEntry {
    const { packs, offsets, lengths, plainLengths } = this.#of(entry)
    const at = entry & MASK
    const pack = packs[at] ?? 0
    return {
      pack: pack >>> 1,
      isTree: (pack & 1) === 1,
      offset: offsets[at] ?? 0,
      length: lengths[at] ?? 0,
      plainLength: plainLengths[at] ?? 0,
    }
  }

  #of(entry: number): Segment {
    const segment = this.#segments[entry >>> SHIFT]
    if (!segment) throw new RangeError(`the index has no entry ${entry}, expected less than ${this.#size}`)
    return segment
  }
}

function newSegment(): Segment {
  return {
    ids: new Uint32Array(SEGMENT_SIZE * ID_WORDS),
    packs: new Uint32Array(SEGMENT_SIZE),
    offsets: new Uint32Array(SEGMENT_SIZE),
    lengths: new Uint32Array(SEGMENT_SIZE),
    plainLengths: new Uint32Array(SEGMENT_SIZE),
  }
}
