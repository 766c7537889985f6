import { BackupdError, messageOf } from '../../lib/errors.ts'
import { type LockOptions, lockRepository, snapshotIds } from './lock.ts'
import type { Repository } from './repository.ts'

/** Where nothing can be written at all, the errors of it. */
const READ_ONLY = new Set<unknown>(['EROFS', 'EACCES', 'EPERM'])

const WITHOUT =
  'It is read without a lock: should a prune take away meanwhile what is read, this ends with SNAPSHOT_CORRUPT; run it again then'

export interface ReadLock extends AsyncDisposable {
  /** Snapshots that there were when it was locked. */
  readonly snapshots: readonly string[]
  /** Nothing was taken away so far: what is missing was missing before. */
  isHeld(): boolean
}

/**
 * As lockRepository(), shared and for who only reads: the index is up to date then. A store that has no room for a
 * lock, or is read-only, is read without one, and so it is where the lock is lost; `warn` hears of it. What is read is
 * checked against its hash, so what a prune took meanwhile is missed, never mistaken.
 */
export async function lockForReading(
  repository: Repository,
  { warn, ...options }: Omit<LockOptions, 'exclusive'> & { warn(message: string): void },
): Promise<ReadLock> {
  try {
    const lock = await lockRepository(repository, { ...options, exclusive: false })
    lock.signal.addEventListener('abort', () => warn(`${messageOf(lock.signal.reason)}. ${WITHOUT}`))
    return {
      snapshots: lock.snapshots,
      isHeld: () => !lock.signal.aborted,
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    }
  } catch (error) {
    if (!cannotBeWritten(error)) throw error
    warn(`${messageOf(error)}. ${WITHOUT}`)
    const snapshots = await snapshotIds(repository)
    await repository.loadIndex()
    return { snapshots, isHeld: () => false, async [Symbol.asyncDispose]() {} }
  }
}

function cannotBeWritten(error: unknown): boolean {
  if (!(error instanceof BackupdError)) return false
  return (
    error.code === 'STORE_FULL' || (error.code === 'STORE_UNAVAILABLE' && READ_ONLY.has(error.facts.errno))
  )
}
