interface Waiting<T> {
  item: T
  resolve(): void
  reject(error: unknown): void
}

/**
 * Many writers, one commit: what is added within one turn of the event loop is written together, and every
 * promise resolves when it is on disk. Order is kept.
 */
export class CommitGroup<T> {
  readonly #write: (items: T[]) => void
  #waiting: Waiting<T>[] = []

  /** @param write puts the items on disk in one transaction, or throws and leaves nothing. */
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
