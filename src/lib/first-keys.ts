/**
 * Collects one page from a long unordered stream: the `limit` smallest keys after `after`, each with a value. Memory is
 * limited to twice the page.
 */
export class FirstKeys<V> {
  readonly #limit: number
  readonly #after: string
  #kept = new Map<string, V>()
  /** Keys above this are on a later page. */
  #bound: string | undefined
  #more = false

  constructor(limit: number, after = '') {
    this.#limit = limit
    this.#after = after
  }

  /** Sets the value of `key` to `update(present value)`, if the key is on this page. */
  put(key: string, update: (kept: V | undefined) => V): void {
    if (key <= this.#after) return
    if (this.#bound !== undefined && key > this.#bound) {
      this.#more = true
      return
    }
    this.#kept.set(key, update(this.#kept.get(key)))
    if (this.#kept.size > 2 * this.#limit) this.#trim()
  }

  /** The page in order, and whether more keys follow. */
  page(): { entries: [string, V][]; more: boolean } {
    this.#trim()
    return { entries: [...this.#kept], more: this.#more }
  }

  #trim(): void {
    const sorted = [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1))
    if (sorted.length > this.#limit) {
      this.#more = true
      sorted.length = this.#limit
      this.#bound = sorted.at(-1)?.[0]
    }
    this.#kept = new Map(sorted)
  }
}
