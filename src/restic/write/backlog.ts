/** Counts nodes that were seen but are not written yet, and limits their number. */
export class Backlog {
  readonly #max: number
  #count = 0
  #failure: { error: unknown } | undefined
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(max: number) {
    this.#max = max
  }

  add(): void {
    this.#count++
  }

  remove(): void {
    this.#count--
    if (this.#count > this.#max) return
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  /** No node will be written any more; callers that wait get the error. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#waiting?.reject(error)
  }

  /** Await the result before adding more; undefined if there is room. Throws the error passed to fail(). */
  room(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    if (this.#count <= this.#max) return undefined
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
}
