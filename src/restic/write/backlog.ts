/** Nodes that are known of and not written yet. */
export class Backlog {
  readonly #most: number
  #count = 0
  #failure: { error: unknown } | undefined
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(most: number) {
    this.#most = most
  }

  add(): void {
    this.#count++
  }

  remove(): void {
    this.#count--
    if (this.#count > this.#most) return
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  /** Nothing will be removed any more: who waits is told why. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#waiting?.reject(error)
  }

  /** Undefined where there is room for more. Throws what made it fail. */
  room(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    if (this.#count <= this.#most) return undefined
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
}
