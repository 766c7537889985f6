import { createHash } from 'node:crypto'
import type { ObjectReader } from '../objects/driver.ts'
import { openIfThere } from '../objects/small-objects.ts'
import type { Manifest } from '../wire/backup.ts'
import { checkBackupName, checkNamespace, keyOf, placeOf } from './layout.ts'
import { describeBackup } from './list-backups.ts'
import { markCorrupt } from './mark-corrupt.ts'
import { readMeta } from './meta-file.ts'
import { mirrorAt } from './mirrors.ts'
import type { StoredBackup } from './store.ts'
import type { StoreWorld } from './world.ts'

const PIECE = 1024 * 1024

/** One backup by its name; undefined where there is none, or it is being deleted or published. */
export async function findBackup(
  world: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoredBackup | undefined> {
  checkBackupName(name)
  const { driver } = world
  const { meta } = await readMeta(world, checkNamespace(namespace))
  const found = await describeBackup(world, { namespace, name, meta })
  if (!found || (await driver.stat(keyOf(namespace, name, 'tombstone')))) return undefined
  const { info, manifest } = found
  if (!manifest && !meta.find(name) && !(await isAdoptable(world, namespace, name))) return undefined
  return {
    info,
    manifest,
    mirror: info.mode === 'increment' ? mirrorAt(world, namespace, name) : null,
    openObject: () => driver.open(keyOf(namespace, name, 'object')),
    openIndex: () => openIndex(world, namespace, manifest),
    markCorrupt: (reason) => markCorrupt(world, { server: namespace, name }, reason),
  }
}

/** An archive nobody knows of counts as a backup by its name, unless somebody is publishing it now. */
async function isAdoptable({ driver }: StoreWorld, namespace: string, name: string): Promise<boolean> {
  if (placeOf({ name, kind: 'file' }).kind !== 'object') return false
  for await (const entry of driver.names(namespace)) {
    const place = placeOf(entry)
    if (place.kind === 'part' && place.of === 'manifest' && place.backup === name) return false
  }
  return true
}

async function openIndex(
  { driver, warn }: StoreWorld,
  namespace: string,
  manifest: Manifest | null,
): Promise<ObjectReader | null> {
  if (!manifest?.index) return null
  const key = keyOf(namespace, manifest.name, 'index')
  const reader = await openIfThere(driver, key)
  if (!reader) return null
  if (await isWhole(reader, manifest.index)) return reader
  await reader.close()
  warn(`"${key}" is not the index that the manifest names (sha256 or size differ): it is not used`)
  return null
}

async function isWhole(reader: ObjectReader, expected: { size: number; sha256: string }): Promise<boolean> {
  if (reader.size !== expected.size) return false
  const hash = createHash('sha256')
  try {
    for (let at = 0; at < reader.size; at += PIECE) hash.update(await reader.read(at, PIECE))
  } catch (error) {
    await reader.close()
    throw error
  }
  return hash.digest('hex') === expected.sha256
}
