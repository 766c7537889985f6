import { BackupdError, hasCode } from '../../lib/errors.ts'
import type { ObjectLock } from '../../objects/driver.ts'
import { describeLock, findLocked } from '../../objects/object-lock.ts'
import { unpackedName } from '../repository/layout.ts'
import type { Repository } from '../repository/repository.ts'
import type { AcquireLock } from './prune.ts'

export interface ForgetOptions {
  acquireLock: AcquireLock
  /** Called under the exclusive lock: only snapshots that it returns are deleted. */
  stillDue?: (() => Promise<readonly string[]>) | undefined
  /** Called for the snapshots that the store locks, which stay. Without it, one of them fails the call before any goes. */
  onLocked?: ((ids: readonly string[], lock: ObjectLock) => void) | undefined
}

/**
 * Deletes snapshots one by one; the next prune frees their space. Ignores snapshots that do not exist.
 * Resolves with those that existed. Throws REPOSITORY_LOCKED, and CONFLICT for one that the store locks.
 */
export async function forgetSnapshots(
  repository: Repository,
  ids: readonly string[],
  { acquireLock, stillDue, onLocked = refuseLockedSnapshot }: ForgetOptions,
): Promise<string[]> {
  await using lock = await acquireLock({ exclusive: true })
  const due = stillDue && new Set(await stillDue())
  const present = await Array.fromAsync(repository.listUnpacked('snapshots'))
  const wanted = present.filter((one) => ids.includes(one) && (!due || due.has(one)))
  const forgotten: string[] = []
  for (const id of await leaveOutLockedSnapshots(repository, wanted, onLocked)) {
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

async function leaveOutLockedSnapshots(
  { place }: Repository,
  ids: readonly string[],
  onLocked: NonNullable<ForgetOptions['onLocked']>,
): Promise<string[]> {
  const nameOf = (id: string) => unpackedName(place, 'snapshots', id)
  const locked = await findLocked(place.driver, ids.map(nameOf))
  const [first] = locked.values()
  if (first)
    onLocked(
      ids.filter((id) => locked.has(nameOf(id))),
      first,
    )
  return ids.filter((id) => !locked.has(nameOf(id)))
}

function refuseLockedSnapshot([id = '']: readonly string[], lock: ObjectLock): never {
  const facts = { snapshot: id, lockedUntil: lock.until }
  throw new BackupdError('CONFLICT', `Cannot delete the snapshot ${id}: ${describeLock(lock)}`, { facts })
}
