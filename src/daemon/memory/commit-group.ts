interface Waiting<T> {
  item: T
  resolve(): void
  reject(error: unknown): void
}

/**
 * Group commit: writes all items added within one turn of the event loop in one transaction, in order. Each promise
 * resolves when its item is on disk.
 */
export class CommitGroup<T> {
  readonly #write: (items: T[]) => void
  #waiting: Waiting<T>[] = []

  /** @param write writes the items to disk in one transaction, or throws and writes nothing */
  constructor(write: (items: T[]) => void) {
    this.#write = write
  }

  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.flush())
    })
  }

  flush(): void {
    const group = this.#waiting
    if (group.length === 0) return
    this.#waiting = []
    try {
      this.#write(group.map(({ item }) => item))
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const { resolve } of group) resolve()
  }
}
