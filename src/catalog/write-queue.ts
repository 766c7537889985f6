import { isDiskFull } from './file-error.ts'

/** Runs work one at a time, so that what it reads cannot change before it writes. */
export interface WriteQueue {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when all work queued so far has ended. */
  idle(): Promise<void>
}

export interface WriteQueueOptions {
  /** Called when work has ended, successfully or not, before its caller gets the result. */
  afterEach?(): void
  /** Called if the disk is full, to free room; then the work runs again. */
  onDiskFull?: (() => void) | undefined
}

/** Work that fails must not have changed anything, so that it can run again. */
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
