import { randomInt } from 'node:crypto'
import { SEAL_OVERHEAD } from '../codec/crypt.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { type BlobEntry, BlobSegments } from './blob-segments.ts'

const SMALLEST_TABLE = 1 << 12
/** A table that is fuller is doubled. */
const FULLEST = 0.7
const ID_LENGTH = 32

/** A blob to put into the index; `plainLength` is 0 where it is not compressed. */
export type IndexedBlob = Omit<BlobEntry, 'isTree'> & { type: BlobType; id: Buffer }

/**
 * Which blob lies where: every copy of it, by number. Typed arrays with open addressing: about 55 bytes a blob, and
 * no limit below 2^31 of them.
 */
export class BlobIndex {
  readonly #distrusted: ReadonlySet<string>
  readonly #blobs = new BlobSegments()
  readonly #packs: string[] = []
  readonly #packNumbers = new Map<string, number>()
  readonly #gonePacks = new Set<number>()
  /** Entry + 1, or 0 where a slot is free. */
  #table = new Uint32Array(SMALLEST_TABLE)
  /** Ids are hashes, but whoever chooses contents chooses them a little: the place in the table is not theirs to know. */
  readonly #seed = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
  /** The id that is looked for. */
  readonly #idBytes = Buffer.alloc(ID_LENGTH)
  readonly #words = new Uint32Array(this.#idBytes.buffer, this.#idBytes.byteOffset, ID_LENGTH / 4)

  /** `distrusted`: packs with damage, which may come to be more. */
  constructor(distrusted: ReadonlySet<string> = new Set()) {
    this.#distrusted = distrusted
  }

  /** Copies of blobs: entries are numbered from 0 to here. */
  get size(): number {
    return this.#blobs.size
  }

  get packCount(): number {
    return this.#packs.length
  }

  /** The number that a pack goes by in this index. */
  internPack(pack: string): number {
    const known = this.#packNumbers.get(pack)
    if (known !== undefined) {
      this.#gonePacks.delete(known)
      return known
    }
    this.#packNumbers.set(pack, this.#packs.length)
    return this.#packs.push(pack) - 1
  }

  packNumber(pack: string): number | undefined {
    return this.#packNumbers.get(pack)
  }

  packId(pack: number): string {
    return this.#packs[pack] ?? ''
  }

  /** No index file names it any more: its copies keep their entries, and are not found. */
  forgetPack(pack: number): void {
    this.#gonePacks.add(pack)
  }

  isGone(pack: number): boolean {
    return this.#gonePacks.has(pack)
  }

  /** Leaves out a copy that it has already, as where two index files know a pack. */
  add(blob: IndexedBlob): void {
    if (this.#blobs.size >= this.#table.length * FULLEST) this.#grow()
    this.#take(blob.id)
    const isTree = blob.type === 'tree'
    let slot = this.#firstSlot()
    for (let held = this.#table[slot]; held; held = this.#table[slot]) {
      if (this.#blobs.isBlob(held - 1, isTree, this.#words) && this.#isAt(held - 1, blob)) return
      slot = this.#next(slot)
    }
    this.#table[slot] = this.#blobs.push(this.#words, isTree, blob) + 1
  }

  /** The entry of the blob's first copy, of one that is distrusted where there is no other; or -1. */
  find(type: BlobType, id: Buffer): number {
    this.#take(id)
    const isTree = type === 'tree'
    let slot = this.#firstSlot()
    let doubtful = -1
    for (let held = this.#table[slot]; held; held = this.#table[slot]) {
      if (this.#blobs.isBlob(held - 1, isTree, this.#words) && this.#isHere(held - 1)) {
        if (this.#isTrusted(held - 1)) return held - 1
        if (doubtful < 0) doubtful = held - 1
      }
      slot = this.#next(slot)
    }
    return doubtful
  }

  /** Entries of all its copies, the first one first, those in packs with damage last. */
  copies(type: BlobType, id: Buffer): number[] {
    this.#take(id)
    const found: number[] = []
    let slot = this.#firstSlot()
    for (let held = this.#table[slot]; held; held = this.#table[slot]) {
      const isCopy = this.#blobs.isBlob(held - 1, type === 'tree', this.#words)
      if (isCopy && this.#isHere(held - 1)) found.push(held - 1)
      slot = this.#next(slot)
    }
    if (this.#distrusted.size === 0) return found
    return found.sort((a, b) => Number(this.#isTrusted(b)) - Number(this.#isTrusted(a)))
  }

  /** It has a copy, in a pack without damage. */
  has(type: BlobType, id: Buffer): boolean {
    const entry = this.find(type, id)
    return entry >= 0 && this.#isTrusted(entry)
  }

  entryAt(entry: number): BlobEntry {
    return this.#blobs.at(entry)
  }

  packOf(entry: number): number {
    return this.#blobs.packOf(entry)
  }

  lengthOf(entry: number): number {
    return this.#blobs.lengthOf(entry)
  }

  idAt(entry: number): Buffer {
    const words = new Uint32Array(ID_LENGTH / 4)
    this.#blobs.readWords(entry, words)
    return Buffer.from(words.buffer)
  }

  placeAt(entry: number): BlobPlace {
    const { pack, offset, length, plainLength } = this.#blobs.at(entry)
    const compressed = plainLength > 0
    return {
      pack: this.packId(pack),
      ...{ offset, length, compressed },
      plainLength: compressed ? plainLength : length - SEAL_OVERHEAD,
    }
  }

  #isHere(entry: number): boolean {
    return this.#gonePacks.size === 0 || !this.#gonePacks.has(this.#blobs.packOf(entry))
  }

  #isTrusted(entry: number): boolean {
    return this.#distrusted.size === 0 || !this.#distrusted.has(this.packId(this.#blobs.packOf(entry)))
  }

  #isAt(entry: number, place: { pack: number; offset: number }): boolean {
    return this.#blobs.packOf(entry) === place.pack && this.#blobs.offsetOf(entry) === place.offset
  }

  #take(id: Buffer): void {
    if (id.length !== ID_LENGTH) throw new RangeError(`a blob's id has 32 bytes, not ${id.length}`)
    this.#idBytes.set(id)
  }

  #firstSlot(): number {
    return this.#slotOf(this.#words[0] ?? 0, this.#words[1] ?? 0)
  }

  #slotOf(a: number, b: number): number {
    const mixed = Math.imul(a ^ this.#seed[0], 0x9e3779b1) ^ Math.imul(b ^ this.#seed[1], 0x85ebca77)
    return ((mixed ^ (mixed >>> 15)) >>> 0) & (this.#table.length - 1)
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#table.length - 1)
  }

  /** Entries go into the new table in their order, so that the first copy stays the first. */
  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let entry = 0; entry < this.#blobs.size; entry++) {
      let slot = this.#slotOf(this.#blobs.wordOf(entry, 0), this.#blobs.wordOf(entry, 1))
      while (this.#table[slot]) slot = this.#next(slot)
      this.#table[slot] = entry + 1
    }
  }
}
