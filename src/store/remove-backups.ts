import { BackupdError } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { createSmall } from '../objects/small-objects.ts'
import { keyOf, type Piece, placeOf, splitBackupPath } from './layout.ts'
import { readManifest } from './manifest.ts'
import { readMeta, updateMeta } from './meta-file.ts'
import { deleteInsideMirror, moveMirrorToTrash } from './mirrors.ts'
import { assertOwner } from './owner.ts'
import { isFull, withReserve } from './reserve.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Deletes backups of the own namespace and finishes interrupted deletes; `NAME/path` deletes a file or folder in a
 * mirror. Checks all names before it deletes anything: throws BAD_INPUT for an invalid name, for a path that leaves
 * the backup, or that lies in a backup that is not a mirror, and CONFLICT for a backup that is held.
 * @param stillDue called under the namespace's lock: only those of `names` that it returns are deleted
 * @returns the names that existed
 */
export async function removeBackups(
  world: StoreWorld,
  names: readonly string[],
  stillDue: () => Promise<readonly string[]> = async () => names,
): Promise<string[]> {
  const asked = splitNames(names)
  return exclusively(world, async () => {
    await assertOwner(world)
    const isMirror = await readMirrorNames(world)
    const known = await findKnown(world, asked, isMirror)
    const due = new Set(await stillDue())
    const there = await findDeletable(
      world,
      known.filter(({ path }) => due.has(path)),
      isMirror,
    )
    const gone: Asked[] = []
    for (const one of there) if (await startDelete(world, one, isMirror(one.name))) gone.push(one)
    const whole = there.filter(({ inside }) => inside === null).map(({ name }) => name)
    await finishDeletes(world, [
      ...new Set([...whole, ...(await listTombstones(world.driver, world.identity.ip))]),
    ])
    return gone.map(({ path }) => path)
  })
}

/** Makes the checks of removeBackups, and deletes nothing. */
export async function checkRemovable(world: StoreWorld, names: readonly string[]): Promise<void> {
  await assertOwner(world)
  const isMirror = await readMirrorNames(world)
  await findDeletable(world, await findKnown(world, splitNames(names), isMirror), isMirror)
}

function splitNames(names: readonly string[]): Asked[] {
  return [...new Set(names)].map((path) => ({ path, ...splitBackupPath(path) }))
}

async function findKnown(
  world: StoreWorld,
  asked: readonly Asked[],
  isMirror: (name: string) => boolean,
): Promise<Asked[]> {
  const known: Asked[] = []
  for (const one of asked)
    if (one.inside === null || (await isInMirror(world, one.name, isMirror))) known.push(one)
  return known
}

async function findDeletable(
  world: StoreWorld,
  known: readonly Asked[],
  isMirror: (name: string) => boolean,
): Promise<Asked[]> {
  const there: Asked[] = []
  for (const one of known) if (isMirror(one.name) || (await canBeDeleted(world, one.name))) there.push(one)
  return there
}

interface Asked {
  /** As the caller wrote it. */
  path: string
  name: string
  /** The path inside the mirror; null = the whole backup. */
  inside: string | null
}

async function readMirrorNames(world: StoreWorld): Promise<(name: string) => boolean> {
  const { meta } = await readMeta(world, world.identity.ip)
  return (name) => meta.find(name)?.mode === 'increment'
}

async function startDelete(world: StoreWorld, { name, inside }: Asked, isMirror: boolean): Promise<boolean> {
  if (inside !== null) return deleteInsideMirror(world, name, inside)
  if (isMirror) return moveMirrorToTrash(world, name)
  await writeTombstone(world, name)
  return true
}

/** False if nothing of that name exists: the legacy system asks every server of a proc to delete the same names. */
async function isInMirror(
  { driver, identity }: StoreWorld,
  name: string,
  isMirror: (name: string) => boolean,
): Promise<boolean> {
  if (!(await driver.stat(`${identity.ip}/${name}`))) return false
  if (isMirror(name)) return true
  const what = `Cannot delete a path inside "${name}": only mirrors of the legacy system allow that`
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

/**
 * From here on it is not a backup any more, manifest or not. In a store that is too full even for an empty object, the
 * index makes room for it, and at last the archive.
 */
async function writeTombstone(world: StoreWorld, name: string): Promise<void> {
  const { driver, identity } = world
  const tombstone = keyOf(identity.ip, name, 'tombstone')
  if (await driver.stat(tombstone)) return
  const write = () => createSmall(driver, tombstone, Buffer.alloc(0))
  for (const piece of ['index', 'object'] as const) {
    if (await unlessFull(() => withReserve(world, write))) return
    await driver.remove(keyOf(identity.ip, name, piece))
    await driver.syncFolder?.(identity.ip)
  }
  await write()
}

async function listTombstones(driver: Driver, namespace: string): Promise<string[]> {
  const names: string[] = []
  for await (const entry of driver.names(namespace)) {
    const place = placeOf(entry)
    if (place.kind === 'tombstone') names.push(place.backup)
  }
  return names
}

/**
 * Deletes backups that have a tombstone: manifest, `.meta` entry, index, archive, the tombstone last. Call it under
 * exclusively().
 */
export async function finishDeletes(world: StoreWorld, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const { driver, identity } = world
  const archives = names.filter(isArchive)
  const remove = (name: string, piece: Piece) => driver.remove(keyOf(identity.ip, name, piece))
  await driver.syncFolder?.(identity.ip)
  for (const name of archives) await remove(name, 'manifest')
  // A store that is too full for a new `.meta` gets it once the archives are gone.
  const isDropped = await unlessFull(() => updateMeta(world, (meta) => meta.drop(names)))
  for (const name of archives) {
    await remove(name, 'index')
    await remove(name, 'object')
  }
  await driver.syncFolder?.(identity.ip)
  if (!isDropped) await updateMeta(world, (meta) => meta.drop(names))
  for (const name of archives) await remove(name, 'tombstone')
  await driver.syncFolder?.(identity.ip)
}

/** False if the store has no room for what `act` writes. */
async function unlessFull(act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    if (isFull(error)) return false
    throw error
  }
}
