import { isDiskFull } from './file-error.ts'

/** Runs what is handed in one after the other, so that what was read is still so when it is written. */
export interface WriteQueue {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when everything handed in so far has ended. */
  idle(): Promise<void>
}

export interface WriteQueueOptions {
  /** Called when work has ended, well or not, before whoever handed it in hears of it. */
  afterEach?(): void
  /** Called where the disk is full, to make room; then that work is done once more. */
  onDiskFull?: (() => void) | undefined
}

/** Work changes nothing where it fails, so that it can be done again. */
export function createWriteQueue({ afterEach, onDiskFull }: WriteQueueOptions = {}): WriteQueue {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    run(work) {
      const done = tail.then(work).catch((error) => {
        if (!onDiskFull || !isDiskFull(error)) throw error
        onDiskFull()
        return work()
      })
      const result = done.finally(afterEach)
      tail = result.catch(() => {})
      return result
    },
    idle: () => tail.then(() => {}),
  }
}
