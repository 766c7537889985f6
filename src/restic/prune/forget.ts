import { hasCode } from '../../lib/errors.ts'
import type { Repository } from '../repository/repository.ts'
import type { AcquireLock } from './prune.ts'

/**
 * Deletes snapshots one by one; the next prune frees their space. Ignores snapshots that do not exist. `stillDue` is
 * called under the exclusive lock: only snapshots that it returns are deleted.
 * Resolves with those that existed. Throws REPOSITORY_LOCKED.
 */
export async function forgetSnapshots(
  repository: Repository,
  ids: readonly string[],
  { acquireLock, stillDue }: { acquireLock: AcquireLock; stillDue?: () => Promise<readonly string[]> },
): Promise<string[]> {
  await using lock = await acquireLock({ exclusive: true })
  const due = stillDue && new Set(await stillDue())
  const present = await Array.fromAsync(repository.listUnpacked('snapshots'))
  const forgotten: string[] = []
  for (const id of present.filter((one) => ids.includes(one) && (!due || due.has(one)))) {
    await lock.assertHeld()
    try {
      await repository.removeUnpacked('snapshots', id)
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
      continue
    }
    forgotten.push(id)
  }
  return forgotten
}
