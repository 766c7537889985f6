import { BackupdError } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { createSmall } from '../objects/small-objects.ts'
import { keyOf, placeOf, splitBackupPath } from './layout.ts'
import { readManifest } from './manifest.ts'
import { readMeta, updateMeta } from './meta-file.ts'
import { buryInside, buryMirror } from './mirrors.ts'
import { assertOwner } from './owner.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Deletes backups of the own namespace, and finishes what earlier deletes left; `NAME/path` deletes a file or a folder
 * in a mirror. Refuses all of them before the first is touched: BAD_INPUT for what can be no backup's name, leads out
 * of a backup or into what is there and no mirror, CONFLICT for what is held.
 * @param stillDue asked once nobody else can change the namespace: of `names` only what it names is deleted.
 * @returns the names that were there.
 */
export async function removeBackups(
  world: StoreWorld,
  names: readonly string[],
  stillDue: () => Promise<readonly string[]> = async () => names,
): Promise<string[]> {
  const asked = [...new Set(names)].map((path) => ({ path, ...splitBackupPath(path) }))
  return exclusively(world, async () => {
    await assertOwner(world)
    const isMirror = await mirrorsIn(world)
    const known: Asked[] = []
    for (const one of asked)
      if (one.inside === null || (await holdsFiles(world, one.name, isMirror))) known.push(one)
    const there: Asked[] = []
    const due = new Set(await stillDue())
    for (const one of known) {
      if (due.has(one.path) && (isMirror(one.name) || (await canBeDeleted(world, one.name)))) there.push(one)
    }
    const gone: Asked[] = []
    for (const one of there) if (await buryOne(world, one, isMirror(one.name))) gone.push(one)
    const whole = there.filter(({ inside }) => inside === null).map(({ name }) => name)
    await finishDeletes(world, [
      ...new Set([...whole, ...(await tombstonesIn(world.driver, world.identity.ip))]),
    ])
    return gone.map(({ path }) => path)
  })
}

interface Asked {
  /** As it was asked for. */
  path: string
  name: string
  /** What in it; null = all of it. */
  inside: string | null
}

async function mirrorsIn(world: StoreWorld): Promise<(name: string) => boolean> {
  const { meta } = await readMeta(world, world.identity.ip)
  return (name) => meta.find(name)?.mode === 'increment'
}

async function buryOne(world: StoreWorld, { name, inside }: Asked, isMirror: boolean): Promise<boolean> {
  if (inside !== null) return buryInside(world, name, inside)
  if (isMirror) return buryMirror(world, name)
  await bury(world, name)
  return true
}

/** False where nothing of that name is there: the recorded system asks every server of a proc for the same names. */
async function holdsFiles(
  { driver, identity }: StoreWorld,
  name: string,
  isMirror: (name: string) => boolean,
): Promise<boolean> {
  if (!(await driver.stat(`${identity.ip}/${name}`))) return false
  if (isMirror(name)) return true
  const what = `Nothing inside of "${name}" can be deleted: that works in a mirror of the recorded system only`
  throw new BackupdError('BAD_INPUT', what)
}

function isArchive(name: string): boolean {
  return placeOf({ name, kind: 'file' }).kind === 'object'
}

async function canBeDeleted({ driver, identity }: StoreWorld, name: string): Promise<boolean> {
  if (!isArchive(name)) return false
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
  for (const name of names.filter(isArchive)) {
    await driver.remove(keyOf(identity.ip, name, 'index'))
    await driver.remove(keyOf(identity.ip, name, 'object'))
  }
  await driver.syncFolder(identity.ip)
  if (!isDropped) await updateMeta(world, (meta) => meta.drop(names))
  for (const name of names.filter(isArchive)) await driver.remove(keyOf(identity.ip, name, 'tombstone'))
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
