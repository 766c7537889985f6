import type { AcquireLock } from '../../../restic/prune/prune.ts'
import { lockRepository } from '../../../restic/repository/lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { Reader } from '../../stored-backup.ts'

/** Short, because a user waits for the answer. */
export const ANSWER_WAIT_MS = 5000

/** The function that forget and prune call to lock a repository. */
export function makeAcquireLock(
  repository: Repository,
  { dataDir, signal }: Pick<Reader, 'dataDir' | 'signal'>,
  waitMs: number,
): AcquireLock {
  return ({ exclusive }) => lockRepository(repository, { exclusive, dataDir, waitMs, signal })
}
