import { hash } from 'node:crypto'

/** What is known of a path: bits that can be added up. */
export const FOLDER = 1
/** The volume has an entry there. */
export const SEEN = 2
/** What the volume has there differs. */
export const CHANGED = 4
/** It would be left out. */
export const REFUSED = 8

const FIRST_SLOTS = 1024

/**
 * The paths of a backup, each with its facts (a text, to be compared) and its marks. Only hashes are kept, 64 bits of
 * each: a million paths take 17 to 34 MB. So two paths of a backup, or two texts, are mixed up once in 10^7 backups of
 * a million.
 */
export class PathTable {
  #paths = new BigUint64Array(FIRST_SLOTS)
  #facts = new BigUint64Array(FIRST_SLOTS)
  #marks = new Uint8Array(FIRST_SLOTS)
  #count = 0

  /** Sets the facts and marks of a path. */
  set(path: Buffer | string, facts: string, marks: number): void {
    if (this.#count * 4 >= this.#paths.length * 3) this.#grow()
    const key = hash64(path)
    const slot = this.#slotOf(key)
    if (this.#paths[slot] === 0n) this.#count++
    this.#paths[slot] = key
    this.#facts[slot] = hash64(facts)
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

  hasFacts(path: Buffer | string, facts: string): boolean {
    return this.#facts[this.#slotOf(hash64(path))] === hash64(facts)
  }

  /** Where the key is, or would be. */
  #slotOf(key: bigint): number {
    const last = this.#paths.length - 1
    let slot = Number(key & BigInt(last))
    while (this.#paths[slot] !== 0n && this.#paths[slot] !== key) slot = (slot + 1) & last
    return slot
  }

  #grow(): void {
    const [paths, facts, marks] = [this.#paths, this.#facts, this.#marks]
    this.#paths = new BigUint64Array(paths.length * 2)
    this.#facts = new BigUint64Array(paths.length * 2)
    this.#marks = new Uint8Array(paths.length * 2)
    for (const [old, key] of paths.entries()) {
      if (key === 0n) continue
      const slot = this.#slotOf(key)
      this.#paths[slot] = key
      this.#facts[slot] = facts[old] ?? 0n
      this.#marks[slot] = marks[old] ?? 0
    }
  }
}

/** Never 0, which marks a free slot. */
export function hash64(text: Buffer | string): bigint {
  return hash('sha256', text, 'buffer').readBigUInt64LE() || 1n
}
