import { BackupdError, messageOf } from '../../lib/errors.ts'
import { type LockOptions, listSnapshotIds, lockRepository } from './lock.ts'
import type { Repository } from './repository.ts'

/** Errors of a store that is read-only. */
const READ_ONLY = new Set<unknown>(['EROFS', 'EACCES', 'EPERM'])

const WITHOUT_LOCK =
  'It is read without a lock: if a prune deletes what is being read, this ends with SNAPSHOT_CORRUPT; run it again then'

export interface ReadLock extends AsyncDisposable {
  /** The snapshots that existed when it was locked. */
  readonly snapshots: readonly string[]
  /** True: nothing can have been pruned meanwhile, so missing data was missing before. */
  isHeld(): boolean
}

/**
 * Like lockRepository(), shared, for readers; also brings the index up to date. If the store is full or read-only, or if
 * the lock is lost, the repository is read without a lock, with a warning. All data is checked against its hash, so a
 * concurrent prune can cause an error, but never wrong data.
 */
export async function lockForReading(
  repository: Repository,
  { warn, ...options }: Omit<LockOptions, 'exclusive'> & { warn(message: string): void },
): Promise<ReadLock> {
  try {
    const lock = await lockRepository(repository, { ...options, exclusive: false })
    lock.signal.addEventListener('abort', () => warn(`${messageOf(lock.signal.reason)}. ${WITHOUT_LOCK}`))
    return {
      snapshots: lock.snapshots,
      isHeld: () => !lock.signal.aborted,
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    }
  } catch (error) {
    if (!isUnwritable(error)) throw error
    warn(`${messageOf(error)}. ${WITHOUT_LOCK}`)
    const snapshots = await listSnapshotIds(repository)
    await repository.loadIndex()
    return { snapshots, isHeld: () => false, async [Symbol.asyncDispose]() {} }
  }
}

function isUnwritable(error: unknown): boolean {
  if (!(error instanceof BackupdError)) return false
  return (
    error.code === 'STORE_FULL' || (error.code === 'STORE_UNAVAILABLE' && READ_ONLY.has(error.facts.errno))
  )
}
