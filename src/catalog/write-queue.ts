/** Runs what is handed in one after the other, so that what was read is still so when it is written. */
export interface WriteQueue {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when everything handed in so far has ended. */
  idle(): Promise<void>
}

export function createWriteQueue(): WriteQueue {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    run(work) {
      const result = tail.then(work)
      tail = result.catch(() => {})
      return result
    },
    idle: () => tail.then(() => {}),
  }
}
