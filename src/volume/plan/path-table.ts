import { hash } from 'node:crypto'

/** What is known of a path: bits that can be added up. */
export const FOLDER = 1
/** The volume has an entry there. */
export const SEEN = 2
/** What the volume has there differs. */
export const CHANGED = 4
/** It would be left out. */
export const REFUSED = 8
/** What the volume has there differs, but in metadata only. */
export const ONLY_METADATA = 16

const FIRST_SLOTS = 1024

/** What is compared of a path, as texts. */
export interface PathFacts {
  content: string
  metadata: string
}

/**
 * The paths of a backup, each with its facts and its marks. Only hashes are kept, 64 bits of each: a million paths take
 * 35 to 70 MB. So two paths of a backup, or two texts, are mixed up once in 10^7 backups of a million.
 */
export class PathTable {
  #paths = new BigUint64Array(FIRST_SLOTS)
  #content = new BigUint64Array(FIRST_SLOTS)
  #metadata = new BigUint64Array(FIRST_SLOTS)
  #marks = new Uint8Array(FIRST_SLOTS)
  #count = 0

  /** Sets the facts and marks of a path. */
  set(path: Buffer | string, { content, metadata }: PathFacts, marks: number): void {
    if (this.#count * 4 >= this.#paths.length * 3) this.#grow()
    const key = hash64(path)
    const slot = this.#slotOf(key)
    if (this.#paths[slot] === 0n) this.#count++
    this.#paths[slot] = key
    this.#content[slot] = hash64(content)
    this.#metadata[slot] = hash64(metadata)
    this.#marks[slot] = marks
  }

  /** The marks of a path; undefined if it is not in the table. */
  marksOf(path: Buffer | string): number | undefined {
    const slot = this.#slotOf(hash64(path))
    return this.#paths[slot] === 0n ? undefined : this.#marks[slot]
  }

  /** Adds marks to those of a path of the table. */
  mark(path: Buffer | string, marks: number): void {
    const slot = this.#slotOf(hash64(path))
    this.#marks[slot] = (this.#marks[slot] ?? 0) | marks
  }

  hasContent(path: Buffer | string, { content }: PathFacts): boolean {
    return this.#content[this.#slotOf(hash64(path))] === hash64(content)
  }

  hasFacts(path: Buffer | string, facts: PathFacts): boolean {
    const isSame = this.#metadata[this.#slotOf(hash64(path))] === hash64(facts.metadata)
    return isSame && this.hasContent(path, facts)
  }

  /** Where the key is, or would be. */
  #slotOf(key: bigint): number {
    const last = this.#paths.length - 1
    let slot = Number(key & BigInt(last))
    while (this.#paths[slot] !== 0n && this.#paths[slot] !== key) slot = (slot + 1) & last
    return slot
  }

  #grow(): void {
    const [paths, content, metadata, marks] = [this.#paths, this.#content, this.#metadata, this.#marks]
    this.#paths = new BigUint64Array(paths.length * 2)
    this.#content = new BigUint64Array(paths.length * 2)
    this.#metadata = new BigUint64Array(paths.length * 2)
    this.#marks = new Uint8Array(paths.length * 2)
    for (const [old, key] of paths.entries()) {
      if (key === 0n) continue
      const slot = this.#slotOf(key)
      this.#paths[slot] = key
      this.#content[slot] = content[old] ?? 0n
      this.#metadata[slot] = metadata[old] ?? 0n
      this.#marks[slot] = marks[old] ?? 0
    }
  }
}

/** Never 0, which marks a free slot. */
export function hash64(text: Buffer | string): bigint {
  return hash('sha256', text, 'buffer').readBigUInt64LE() || 1n
}
