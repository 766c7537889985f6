import type { Driver } from '../../objects/driver.ts'
import { parentOf, unpackedName } from './layout.ts'
import { deadLocks } from './lock-journal.ts'

/**
 * Removes the locks that dead runs of this daemon left, in any repository of the store: who reads from another server's
 * locks that one's, and nobody there may take such a lock away. Resolves with their names. What a journal names and is
 * not found may be of another store: it is left for then.
 */
export async function removeLeftLocks(driver: Driver, dataDir: string): Promise<string[]> {
  const removedNames: string[] = []
  for await (const { base, ids, removed } of deadLocks(dataDir)) {
    const names = base === '' ? [] : ids.map((id) => unpackedName({ driver, base }, 'locks', id))
    const there: string[] = []
    for (const name of names) if (await driver.stat(name)) there.push(name)
    for (const name of there) await driver.remove(name)
    const [first] = there
    if (first === undefined) continue
    await driver.syncFolder(parentOf(first))
    await removed()
    removedNames.push(...there)
  }
  return removedNames
}
