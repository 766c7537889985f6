import { BackupdError } from '../../lib/errors.ts'
import type { Repository } from '../repository/repository.ts'
import type { TakeLock } from './prune.ts'

/**
 * Takes snapshots out of the repository, one after the other; the room comes back with the next prune. One that is not
 * there is no error. `stillDue` is asked again where nobody else can add or take any: what it does not name stays.
 * Resolves with those that were there. Throws REPOSITORY_LOCKED.
 */
export async function forgetSnapshots(
  repository: Repository,
  ids: readonly string[],
  { takeLock, stillDue }: { takeLock: TakeLock; stillDue?: () => Promise<readonly string[]> },
): Promise<string[]> {
  await using lock = await takeLock({ exclusive: true })
  const due = stillDue && new Set(await stillDue())
  const present = await Array.fromAsync(repository.listUnpacked('snapshots'))
  const forgotten: string[] = []
  for (const id of present.filter((one) => ids.includes(one) && (!due || due.has(one)))) {
    await lock.assertHeld()
    try {
      await repository.removeUnpacked('snapshots', id)
    } catch (error) {
      if (!(error instanceof BackupdError) || error.code !== 'NOT_FOUND') throw error
      continue
    }
    forgotten.push(id)
  }
  return forgotten
}
