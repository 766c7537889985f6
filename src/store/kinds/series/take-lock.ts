import type { TakeLock } from '../../../restic/prune/prune.ts'
import { lockRepository } from '../../../restic/repository/lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { Reader } from '../../stored-backup.ts'

/** Locks a repository, as what forgets and prunes asks for it. */
export function takeLockOf(
  repository: Repository,
  { dataDir, signal }: Pick<Reader, 'dataDir' | 'signal'>,
  waitMs: number,
): TakeLock {
  return ({ exclusive }) => lockRepository(repository, { exclusive, dataDir, waitMs, signal })
}
