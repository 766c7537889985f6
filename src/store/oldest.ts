import { parseNamespace } from '../wire/namespace.ts'
import { readMeta } from './meta-file.ts'
import type { StoreWorld } from './world.ts'

/**
 * When the oldest full backup of each volume was made (source → unix ms) by `.meta`; undefined if `.meta` is
 * unreadable.
 */
export async function findOldestBackups(
  world: StoreWorld,
  namespace: string,
): Promise<Map<string, number> | undefined> {
  const { meta, whole } = await readMeta(world, parseNamespace(namespace))
  if (!whole) return undefined
  const oldest = new Map<string, number>()
  for (const { mode, source, created } of meta.entities()) {
    if (mode !== 'full') continue
    const createdMs = Date.parse(created)
    if (!(createdMs >= (oldest.get(source) ?? Number.POSITIVE_INFINITY))) oldest.set(source, createdMs)
  }
  return oldest
}
