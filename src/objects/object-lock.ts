import type { Driver, ObjectLock } from './driver.ts'
import { mapInOrder } from './small-objects.ts'

/** As the end of a sentence: `it cannot be deleted before 2026-…`. */
export function describeLock({ until }: ObjectLock): string {
  return until === null
    ? 'it cannot be deleted until its legal hold in the store is removed'
    : `it cannot be deleted before ${until}: the store locks it`
}

/** Of these objects, those that the store keeps from being deleted now. */
export async function findLocked(driver: Driver, names: readonly string[]): Promise<Map<string, ObjectLock>> {
  const found = new Map<string, ObjectLock>()
  if (!driver.findLock) return found
  const find = async (name: string) => ({ name, lock: await driver.findLock?.(name) })
  for await (const { name, lock } of mapInOrder(names, find)) if (lock) found.set(name, lock)
  return found
}
