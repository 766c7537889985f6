/** Runs what is handed in one after the other, so that what was read is still so when it is written. */
export interface WriteQueue {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when everything handed in so far has ended. */
  idle(): Promise<void>
}

/** @param afterEach called when work has ended, well or not, before whoever handed it in hears of it. */
export function createWriteQueue(afterEach: () => void = () => {}): WriteQueue {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    run(work) {
      const result = tail.then(work).finally(afterEach)
      tail = result.catch(() => {})
      return result
    },
    idle: () => tail.then(() => {}),
  }
}
