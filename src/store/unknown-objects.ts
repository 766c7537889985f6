import { isIP } from 'node:net'
import { FirstKeys } from '../lib/first-keys.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import { parseNamespace } from '../wire/namespace.ts'
import { isMirrorFolder } from './kinds/mirror/is-mirror.ts'
import { parsePlace } from './layout.ts'
import { readMeta } from './meta-file.ts'
import type { StoreWorld } from './world.ts'

const MAX_LISTED = 20

/** Lists the namespaces of the store: its folders whose name is an IP. Sorted. */
export async function listNamespaces({ driver }: StoreWorld): Promise<string[]> {
  const found: string[] = []
  for await (const { name, kind } of driver.names('')) if (kind === 'folder' && isIP(name)) found.push(name)
  return found.sort()
}

/**
 * Counts the names in a namespace that are neither a backup nor a part of one, and lists the first of them. Memory
 * stays bounded, however many there are.
 */
export async function listUnknownObjects(world: StoreWorld, namespace: string): Promise<UnknownObjects> {
  const { meta } = await readMeta(world, parseNamespace(namespace))
  const first = new FirstKeys<true>(MAX_LISTED)
  let count = 0
  for await (const entry of world.driver.names(namespace)) {
    if (isMirrorFolder(entry, meta) || parsePlace(entry).kind !== 'unknown') continue
    count++
    first.put(entry.name, () => true)
  }
  return { count, names: first.page().entries.map(([name]) => name) }
}
