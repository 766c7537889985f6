import { BackupdError } from '../../lib/errors.ts'
import type { Driver } from '../driver.ts'
import { checkBackupName, keyOf, placeOf } from './layout.ts'
import { readManifest } from './manifest.ts'
import { readMeta, updateMeta } from './meta-file.ts'
import { assertOwner } from './owner.ts'
import { createSmall } from './small-objects.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Deletes backups of the own namespace, and finishes what earlier deletes left. Refuses all of them before the first
 * is touched: BAD_INPUT for what can be no backup's name and for mirrors, CONFLICT for what is held.
 * @param stillDue asked once nobody else can change the namespace: of `names` only what it names is deleted.
 * @returns the names that were there.
 */
export async function removeBackups(
  world: StoreWorld,
  names: readonly string[],
  stillDue: () => Promise<readonly string[]> = async () => names,
): Promise<string[]> {
  const asked = [...new Set(names.map(checkBackupName))]
  return exclusively(world, async () => {
    await assertOwner(world)
    await refuseMirrors(world, asked)
    const there: string[] = []
    const due = new Set(await stillDue())
    for (const name of asked) if (due.has(name) && (await canBeDeleted(world, name))) there.push(name)
    for (const name of there) await bury(world, name)
    await finishDeletes(world, await tombstonesIn(world.driver, world.identity.ip))
    return there
  })
}

async function refuseMirrors(world: StoreWorld, names: string[]): Promise<void> {
  const { meta } = await readMeta(world, world.identity.ip)
  const mirror = names.find((name) => meta.find(name)?.mode === 'increment')
  if (mirror === undefined) return
  const what = `Cannot delete "${mirror}": it is a series of the recorded system, which can be read here, not deleted`
  throw new BackupdError('BAD_INPUT', what)
}

async function canBeDeleted({ driver, identity }: StoreWorld, name: string): Promise<boolean> {
  if (placeOf({ name, kind: 'file' }).kind !== 'object') return false
  const read = await readManifest(driver, identity.ip, name)
  const holds = read?.manifest?.holds ?? []
  if (holds.length > 0) {
    throw new BackupdError(
      'CONFLICT',
      `Cannot delete "${name}": it is held (${holds.join(', ')}). Release it first`,
    )
  }
  if (read) return true
  const object = await driver.stat(keyOf(identity.ip, name, 'object'))
  return object?.kind === 'file' || (await driver.stat(keyOf(identity.ip, name, 'tombstone'))) !== undefined
}

/** From here on it is no backup any more: its manifest is a tombstone. One without a manifest gets an empty one. */
async function bury({ driver, identity }: StoreWorld, name: string): Promise<void> {
  const tombstone = keyOf(identity.ip, name, 'tombstone')
  const manifest = keyOf(identity.ip, name, 'manifest')
  if (await driver.stat(manifest)) await driver.rename(manifest, tombstone)
  else if (!(await driver.stat(tombstone))) await createSmall(driver, tombstone, Buffer.alloc(0))
}

async function tombstonesIn(driver: Driver, namespace: string): Promise<string[]> {
  const names: string[] = []
  for await (const entry of driver.names(namespace)) {
    const place = placeOf(entry)
    if (place.kind === 'tombstone') names.push(place.backup)
  }
  return names
}

/** Deletes what has a tombstone: `.meta` entry, index, archive, the tombstone last. Call it under exclusively(). */
export async function finishDeletes(world: StoreWorld, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const { driver, identity } = world
  await driver.syncFolder(identity.ip)
  const isDropped = await dropFromMeta(world, names)
  for (const name of names) {
    await driver.remove(keyOf(identity.ip, name, 'index'))
    await driver.remove(keyOf(identity.ip, name, 'object'))
  }
  await driver.syncFolder(identity.ip)
  if (!isDropped) await updateMeta(world, (meta) => meta.drop(names))
  for (const name of names) await driver.remove(keyOf(identity.ip, name, 'tombstone'))
  await driver.syncFolder(identity.ip)
}

/** A full store has no room for a new `.meta` before something is deleted: then it is written after. */
async function dropFromMeta(world: StoreWorld, names: readonly string[]): Promise<boolean> {
  try {
    await updateMeta(world, (meta) => meta.drop(names))
    return true
  } catch (error) {
    if (error instanceof BackupdError && error.code === 'STORE_FULL') return false
    throw error
  }
}
