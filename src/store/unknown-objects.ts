import { isIP } from 'node:net'
import { FirstKeys } from '../lib/first-keys.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import { checkNamespace, placeOf } from './layout.ts'
import { readMeta } from './meta-file.ts'
import type { StoreWorld } from './world.ts'

const NAMED = 20

/** The folders of the store that can be a server's: their names are IPs. Sorted. */
export async function namespacesOf({ driver }: StoreWorld): Promise<string[]> {
  const found: string[] = []
  for await (const { name, kind } of driver.names('')) if (kind === 'folder' && isIP(name)) found.push(name)
  return found.sort()
}

/**
 * What in a namespace is neither a backup nor a part of one: how many names, and the first of them. Memory of those,
 * however many there are.
 */
export async function unknownObjects(world: StoreWorld, namespace: string): Promise<UnknownObjects> {
  const { meta } = await readMeta(world, checkNamespace(namespace))
  const first = new FirstKeys<true>(NAMED)
  let count = 0
  for await (const entry of world.driver.names(namespace)) {
    const isMirror = entry.kind === 'folder' && meta.find(entry.name)?.mode === 'increment'
    if (isMirror || placeOf(entry).kind !== 'unknown') continue
    count++
    first.put(entry.name, () => true)
  }
  return { count, names: first.page().entries.map(([name]) => name) }
}
