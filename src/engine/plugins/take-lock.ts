import type { TakeLock } from '../../restic/prune/prune.ts'
import { lockRepository } from '../../restic/repository/lock.ts'
import type { Repository } from '../../restic/repository/repository.ts'
import type { RunContext } from '../plugin.ts'

/** Locks a repository for this run, as the parts that forget and prune ask for it. */
export function takeLockOf(
  repository: Repository,
  { settings, signal }: RunContext,
  waitMs: number,
): TakeLock {
  return ({ exclusive }) =>
    lockRepository(repository, { exclusive, dataDir: settings.dataDir, waitMs, signal })
}
