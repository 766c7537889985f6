import { BackupdError } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { describeLock } from '../../../objects/object-lock.ts'
import { createSmall, tryRemove } from '../../../objects/small-objects.ts'
import { readHiddenNote } from '../../hidden-note.ts'
import { readHolds } from '../../hold-note.ts'
import { type BackupPath, makePieceKey, type Piece, parsePlace } from '../../layout.ts'
import { readManifest } from '../../manifest.ts'
import { updateMeta } from '../../meta-file.ts'
import { refuseHolds } from '../../refuse-holds.ts'
import { isFull, withReserve } from '../../reserve.ts'
import type { StoreWorld } from '../../world.ts'
import { noteDeletes } from '../series/prune-note.ts'
import { listUnfinishedDeletes, makeTombstone, takeBackForeignDeletes } from './unfinished-deletes.ts'

/** Picks the archives that exist. Throws CONFLICT for one that is held, or locked by the store. */
export async function findDeletableArchives(
  world: StoreWorld,
  paths: readonly BackupPath[],
): Promise<BackupPath[]> {
  const found: BackupPath[] = []
  for (const one of paths) if (one.inside === null && (await canBeDeleted(world, one.name))) found.push(one)
  return found
}

/**
 * Deletes archives, and finishes the deletes of archives that were interrupted. One that cannot be removed does not keep
 * the others; it is an error if it is one of `archives`, otherwise a warning. Call it under exclusively(). In a store that
 * does not prevent a second owner, the archives are only hidden, and removed an hour later.
 */
export async function deleteArchives(world: StoreWorld, archives: readonly BackupPath[]): Promise<void> {
  for (const { name } of archives) await writeTombstone(world, name)
  const wanted = new Set(archives.map(({ name }) => name))
  const { mustWait, due, waitingSince } = await listUnfinishedDeletes(world)
  if (mustWait && wanted.size > 0) await hideUntilDue(world, wanted, waitingSince)
  const ready = mustWait ? await takeBackForeignDeletes(world, due) : [...new Set([...wanted, ...due])]
  const stuck = await finishDeletes(world, ready)
  warnOfStuck(world, new Map([...stuck].filter(([name]) => !wanted.has(name))))
  for (const [name, error] of stuck) if (wanted.has(name)) throw error
}

/** Finishes the deletes that are due. Call it under exclusively(), after a check of the owner. */
export async function finishDueDeletes(world: StoreWorld): Promise<string[]> {
  const { mustWait, due, waitingSince } = await listUnfinishedDeletes(world)
  const ready = mustWait ? await takeBackForeignDeletes(world, due) : due
  const stuck = await finishDeletes(world, ready)
  warnOfStuck(world, stuck)
  if (mustWait) await noteDeletes(noteOf(world), stuck.size > 0 ? world.clock.now() : waitingSince)
  return ready.filter((name) => !stuck.has(name))
}

/** The list may lack the tombstones that were just written. */
async function hideUntilDue(
  world: StoreWorld,
  names: ReadonlySet<string>,
  waitingSince = world.clock.now(),
): Promise<void> {
  await unlessFull(() => updateMeta(world, (meta) => meta.drop(names)))
  await unlessFull(() => noteDeletes(noteOf(world), waitingSince))
}

function noteOf({ driver, identity }: StoreWorld) {
  return { store: { driver }, ip: identity.ip }
}

/** Tells of deletes that could not be finished; the next delete, expiry or start tries again. */
export function warnOfStuck(world: StoreWorld, stuck: ReadonlyMap<string, BackupdError>): void {
  for (const [name, { message }] of stuck)
    world.warn(`"${name}" is deleted, but what is left of it cannot be removed: ${message}`)
}

async function canBeDeleted(world: StoreWorld, name: string): Promise<boolean> {
  const { driver, identity } = world
  if (!isArchive(name)) return false
  const read = await readManifest(driver, identity.ip, name)
  if (read && !read.manifest) throw mayBePinned(identity.ip, name, read.problem)
  const holds = read ? read.manifest.holds : (await readHolds(driver, identity.ip))(name)
  refuseHolds({ name }, holds, world.trustedNow())
  await refuseLocked(driver, identity.ip, name)
  if (read) return true
  const object = await driver.stat(makePieceKey(identity.ip, name, 'object'))
  return (
    object?.kind === 'file' || (await driver.stat(makePieceKey(identity.ip, name, 'tombstone'))) !== undefined
  )
}

/** Its manifest has the reasons to keep it. */
function mayBePinned(ip: string, name: string, problem: string): BackupdError {
  const what = `Cannot delete "${name}": ${problem}, so somebody may have pinned it`
  const then = `Put the manifest back, or remove "${makePieceKey(ip, name, 'manifest')}" from the store to delete the backup all the same`
  return new BackupdError('CONFLICT', `${what}. ${then}. Nothing was deleted`, { facts: { name } })
}

/** To the end of its lock, it stays a backup with all its pieces: without them, the archive would only take room. */
async function refuseLocked(driver: Driver, ip: string, name: string): Promise<void> {
  const lock = await driver.findLock?.(makePieceKey(ip, name, 'object'))
  if (!lock) return
  const facts = { lockedUntil: lock.until }
  throw new BackupdError('CONFLICT', `Cannot delete "${name}": ${describeLock(lock)}`, { facts })
}

function isArchive(name: string): boolean {
  return parsePlace({ name, kind: 'file' }).kind === 'object'
}

/**
 * From here on it is not a backup any more, manifest or not. In a store that is too full even for an empty object, the
 * index makes room for it, and at last the archive.
 */
async function writeTombstone(world: StoreWorld, name: string): Promise<void> {
  const { driver, identity } = world
  const tombstone = makePieceKey(identity.ip, name, 'tombstone')
  const content = await makeTombstone(world)
  if (await driver.stat(tombstone)) {
    // It may be another daemon's, which would not count.
    if (content.length > 0) await driver.replace(tombstone, content)
    return
  }
  const write = () => createSmall(driver, tombstone, content)
  for (const piece of ['index', 'object'] as const) {
    if (await unlessFull(() => withReserve(world, write))) return
    await driver.remove(makePieceKey(identity.ip, name, piece))
    await driver.syncFolder?.(identity.ip)
  }
  await write()
}

/**
 * Deletes backups that have a tombstone: manifest, `.meta` entry, index, archive, mark of a hidden one, the tombstone last. One that cannot be
 * removed keeps its tombstone. Returns why, by name. Throws only if the store itself fails. Call it under exclusively().
 */
export async function finishDeletes(
  world: StoreWorld,
  names: readonly string[],
): Promise<Map<string, BackupdError>> {
  const stuck = new Map<string, BackupdError>()
  if (names.length === 0) return stuck
  const { driver, identity } = world
  const archives = names.filter(isArchive)
  const remove = async (name: string, piece: Piece) => {
    if (stuck.has(name)) return
    const error = await tryRemove(driver, makePieceKey(identity.ip, name, piece))
    if (error) stuck.set(name, error)
  }
  const { archives: hidden } = await readHiddenNote(driver, identity.ip)
  await driver.syncFolder?.(identity.ip)
  for (const name of archives) await remove(name, 'manifest')
  // A store that is too full for a new `.meta` gets it once the archives are gone.
  const isDropped = await unlessFull(() => updateMeta(world, (meta) => meta.drop(names)))
  for (const name of archives) {
    await remove(name, 'index')
    await remove(name, 'object')
    if (hidden) await remove(name, 'hidden')
  }
  await driver.syncFolder?.(identity.ip)
  if (!isDropped) await updateMeta(world, (meta) => meta.drop(names))
  for (const name of archives) await remove(name, 'tombstone')
  await driver.syncFolder?.(identity.ip)
  return stuck
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
