import type { Driver } from '../../objects/driver.ts'
import { findParent, unpackedName } from './layout.ts'
import { readDeadLocks } from './lock-journal.ts'

/**
 * Removes locks of this daemon's dead runs in any repository of the store: a run that read another server's repository
 * locked that one, and the daemon there may not remove the lock. Resolves with their names. A journal whose locks are
 * not found may belong to another store, so it is kept.
 */
export async function removeStaleLocks(driver: Driver, dataDir: string): Promise<string[]> {
  const removedNames: string[] = []
  for await (const { base, ids, removed } of readDeadLocks(dataDir)) {
    const names = base === '' ? [] : ids.map((id) => unpackedName({ driver, base }, 'locks', id))
    const there: string[] = []
    for (const name of names) if (await driver.stat(name)) there.push(name)
    for (const name of there) await driver.remove(name)
    const [first] = there
    if (first === undefined) continue
    await driver.syncFolder?.(findParent(first))
    await removed()
    removedNames.push(...there)
  }
  return removedNames
}
