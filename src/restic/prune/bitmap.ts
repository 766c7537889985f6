const INITIAL_WORDS = 1024

/** A set of small whole numbers, one bit each. */
export class Bitmap {
  #words = new Uint32Array(INITIAL_WORDS)

  has(number: number): boolean {
    return ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0
  }

  /** Returns whether the number is new. */
  add(number: number): boolean {
    if (this.has(number)) return false
    const at = number >>> 5
    if (at >= this.#words.length) {
      const larger = new Uint32Array(Math.max(at + 1, this.#words.length * 2))
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (number & 31))
    return true
  }
}
