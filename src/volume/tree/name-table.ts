import type { ListedName } from './name-stream.ts'

const INITIAL_BYTES = 4096
const INITIAL_NAMES = 128

/** All names of a directory, sorted by their bytes and packed into one buffer: a million take about 30 MB. */
export class NameTable {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #used = 0
  /** The start of each name; the last element is the end of the last name. */
  #starts = new Uint32Array(INITIAL_NAMES)
  #isDirectory = new Uint8Array(INITIAL_NAMES)
  #order = new Uint32Array(0)
  #count = 0

  get count(): number {
    return this.#count
  }

  add({ name, isDirectory }: ListedName): void {
    this.#makeRoom(name.length)
    this.#used += name.copy(this.#bytes, this.#used)
    this.#isDirectory[this.#count] = isDirectory ? 1 : 0
    this.#count++
    this.#starts[this.#count] = this.#used
  }

  /** Call it after the last add(). */
  sort(): void {
    const starts = this.#starts
    const bytes = this.#bytes
    const end = (index: number) => starts[index + 1] ?? 0
    this.#order = Uint32Array.from({ length: this.#count }, (_, index) => index).sort((a, b) =>
      bytes.compare(bytes, starts[b], end(b), starts[a], end(a)),
    )
  }

  /** The name at a position of the sorted order; a view into the table. */
  at(place: number): ListedName {
    const index = this.#order[place] ?? 0
    const name = this.#bytes.subarray(this.#starts[index], this.#starts[index + 1])
    return { name, isDirectory: this.#isDirectory[index] === 1 }
  }

  /** Call it after sort(). */
  has(name: Buffer): boolean {
    let from = 0
    for (let to = this.#count; from < to; ) {
      const middle = (from + to) >> 1
      if (this.at(middle).name.compare(name) < 0) from = middle + 1
      else to = middle
    }
    return from < this.#count && this.at(from).name.equals(name)
  }

  #makeRoom(length: number): void {
    if (this.#used + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow((this.#used + length) * 2)
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    if (this.#count + 2 <= this.#starts.length) return
    this.#starts = grow(this.#starts)
    const flags = new Uint8Array(this.#starts.length)
    flags.set(this.#isDirectory)
    this.#isDirectory = flags
  }
}

function grow(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}
