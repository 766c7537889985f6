import type { CatalogChange } from './catalog-change.ts'
import { isDiskFull } from './file-error.ts'

/** Runs work one at a time, so that what it reads cannot change before it writes. */
export interface WriteQueue {
  /** @param changeOf what the work changed, by its result; without it, anything may have changed */
  run<T>(work: () => Promise<T>, changeOf?: (result: T) => CatalogChange): Promise<T>
  /** Resolves when all work queued so far has ended. */
  idle(): Promise<void>
  /** Refuses all work that has not begun with this error. */
  stop(error: Error): void
}

export interface WriteQueueOptions {
  /** Called when work has ended, before its caller gets the result. Without `change`, or after a failure: anything. */
  afterEach?(change?: CatalogChange): void
  /** Called if the disk is full, to free room; then the work runs again. */
  onDiskFull?: (() => void) | undefined
}

/** Work that fails must not have changed anything, so that it can run again. */
export function createWriteQueue({ afterEach, onDiskFull }: WriteQueueOptions = {}): WriteQueue {
  let tail: Promise<unknown> = Promise.resolve()
  let refusal: Error | undefined
  return {
    run(work, changeOf) {
      const begin = () => {
        if (refusal) throw refusal
        return work()
      }
      const done = tail.then(begin).catch((error) => {
        if (!onDiskFull || !isDiskFull(error)) throw error
        onDiskFull()
        return work()
      })
      const result = done.then(
        (value) => {
          afterEach?.(changeOf?.(value))
          return value
        },
        (error) => {
          afterEach?.()
          throw error
        },
      )
      tail = result.catch(() => {})
      return result
    },
    idle: () => tail.then(() => {}),
    stop: (error) => {
      refusal = error
    },
  }
}
