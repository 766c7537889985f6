import { randomInt } from 'node:crypto'
import { SEAL_OVERHEAD } from '../codec/crypt.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { type BlobEntry, BlobSegments } from './blob-segments.ts'

const MIN_TABLE_SIZE = 1 << 12
/** The table is doubled if it is fuller than this. */
const MAX_LOAD = 0.7
const ID_LENGTH = 32

/** A blob for the index; `plainLength` is 0 if it is not compressed. */
export type IndexedBlob = Omit<BlobEntry, 'isTree'> & { type: BlobType; id: Buffer }

/**
 * The places of all copies of all blobs. A hash table in typed arrays with open addressing: about 55 bytes a blob, for
 * up to 2^31 blobs.
 */
export class BlobIndex {
  readonly #distrusted: ReadonlySet<string>
  readonly #blobs = new BlobSegments()
  readonly #packs: string[] = []
  readonly #packNumbers = new Map<string, number>()
  readonly #gonePacks = new Set<number>()
  /** Entry + 1; 0 if the slot is free. */
  #table = new Uint32Array(MIN_TABLE_SIZE)
  /** Random, so that nobody can choose contents whose ids collide in the table. */
  readonly #seed = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
  /** The id that is being searched. */
  readonly #idBytes = Buffer.alloc(ID_LENGTH)
  readonly #words = new Uint32Array(this.#idBytes.buffer, this.#idBytes.byteOffset, ID_LENGTH / 4)

  /** `distrusted`: packs with damage; the caller may add more later. */
  constructor(distrusted: ReadonlySet<string> = new Set()) {
    this.#distrusted = distrusted
  }

  /** The number of copies of blobs; entries are numbered from 0 to size - 1. */
  get size(): number {
    return this.#blobs.size
  }

  get packCount(): number {
    return this.#packs.length
  }

  /** The number of a pack in this index; adds the pack if it is new. */
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

  /** For a pack that no index file names any more: its copies keep their entries, but are not found. */
  forgetPack(pack: number): void {
    this.#gonePacks.add(pack)
  }

  isGone(pack: number): boolean {
    return this.#gonePacks.has(pack)
  }

  /** Ignores a copy that is known already, as when two index files name the same pack. */
  add(blob: IndexedBlob): void {
    if (this.#blobs.size >= this.#table.length * MAX_LOAD) this.#grow()
    this.#loadId(blob.id)
    const isTree = blob.type === 'tree'
    let slot = this.#firstSlot()
    for (let held = this.#table[slot]; held; held = this.#table[slot]) {
      if (this.#blobs.isBlob(held - 1, isTree, this.#words) && this.#isAt(held - 1, blob)) return
      slot = this.#next(slot)
    }
    this.#table[slot] = this.#blobs.push(this.#words, isTree, blob) + 1
  }

  /** The entry of the blob's first trusted copy, else of a distrusted one; -1 if there is none. */
  find(type: BlobType, id: Buffer): number {
    this.#loadId(id)
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

  /** The entries of all its copies, those in damaged packs last. */
  copies(type: BlobType, id: Buffer): number[] {
    this.#loadId(id)
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

  /** Whether there is a copy in an undamaged pack. */
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
      offset,
      length,
      compressed,
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

  /** Sets the id that is searched. */
  #loadId(id: Buffer): void {
    if (id.length !== ID_LENGTH) throw new RangeError(`the id of a blob has ${id.length} bytes, expected 32`)
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

  /** Inserts the entries into the new table in order, so that the first copy stays the first. */
  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let entry = 0; entry < this.#blobs.size; entry++) {
      let slot = this.#slotOf(this.#blobs.wordOf(entry, 0), this.#blobs.wordOf(entry, 1))
      while (this.#table[slot]) slot = this.#next(slot)
      this.#table[slot] = entry + 1
    }
  }
}
