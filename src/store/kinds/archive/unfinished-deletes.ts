import { HOUR_MS } from '../../../lib/time-units.ts'
import type { Driver, ObjectName, ObjectStat } from '../../../objects/driver.ts'
import { readSmall } from '../../../objects/small-objects.ts'
import { makePieceKey, parsePlace } from '../../layout.ts'
import { readManifest } from '../../manifest.ts'
import { makeEntity, updateMeta } from '../../meta-file.ts'
import type { StoreWorld } from '../../world.ts'

/** Deletes that have begun, by the name of the backup. */
export interface UnfinishedDeletes {
  /** Whether deletes wait in this store. */
  mustWait: boolean
  /** May be finished now. */
  due: string[]
  /** Unix ms at which the oldest of the others began; undefined if none waits. */
  waitingSince: number | undefined
}

/**
 * If the store only notices two owners, but does not prevent them, what one of them deletes stays this long: time to notice
 * it, and to check again who owns the namespace.
 */
export const DELETE_WAIT_MS = HOUR_MS

/** Lists the tombstones of the own namespace. */
export async function listUnfinishedDeletes(world: StoreWorld): Promise<UnfinishedDeletes> {
  const { driver, identity, clock } = world
  const mustWait = await mustWaitIn(driver)
  const found: UnfinishedDeletes = { mustWait, due: [], waitingSince: undefined }
  for await (const { name, since } of listTombstones(driver, identity.ip)) {
    if (!mustWait || clock.now() - since >= DELETE_WAIT_MS) found.due.push(name)
    else found.waitingSince = Math.min(since, found.waitingSince ?? since)
  }
  return found
}

async function* listTombstones(driver: Driver, ip: string): AsyncGenerator<{ name: string; since: number }> {
  const entries: AsyncIterable<ObjectName | ObjectStat> = driver.abilities.listsSizes
    ? driver.list(ip)
    : driver.names(ip)
  for await (const entry of entries) {
    const place = parsePlace(entry)
    if (place.kind === 'tombstone') yield { name: place.backup, since: readTombstoneTime(entry) }
  }
}

/** 0 if the list has no times: in such a store nothing waits. */
function readTombstoneTime(entry: ObjectName | ObjectStat): number {
  return 'modifiedMs' in entry ? entry.modifiedMs : 0
}

/** The content of a new tombstone: whose it is matters only if it waits. In a full store, an empty object may still fit. */
export async function makeTombstone({ driver, identity }: StoreWorld): Promise<Buffer> {
  if (!(await mustWaitIn(driver))) return Buffer.alloc(0)
  return Buffer.from(`${JSON.stringify({ daemonId: identity.daemonId })}\n`)
}

async function mustWaitIn(driver: Driver): Promise<boolean> {
  return (await driver.keepsConditions?.()) === false
}

/**
 * Takes back the deletes that another daemon began and did not get far with: it may have begun them after this one became
 * the owner. Returns the other names. Call it under exclusively().
 */
export async function takeBackForeignDeletes(world: StoreWorld, names: readonly string[]): Promise<string[]> {
  const own: string[] = []
  for (const name of names) if (!(await takeBack(world, name))) own.push(name)
  return own
}

async function takeBack(world: StoreWorld, name: string): Promise<boolean> {
  const { driver, identity, warn } = world
  const tombstone = makePieceKey(identity.ip, name, 'tombstone')
  const by = readDaemonId(await readSmall(driver, tombstone))
  if (by === undefined || by === identity.daemonId) return false
  const manifest = (await readManifest(driver, identity.ip, name))?.manifest
  if (!manifest || !(await driver.stat(makePieceKey(identity.ip, name, 'object')))) return false
  await driver.remove(tombstone)
  await updateMeta(world, (meta) => {
    meta.put(makeEntity(manifest))
    return true
  })
  warn(`"${name}" is a backup again: the daemon ${by} had begun to delete it, and does not own the namespace`)
  return true
}

function readDaemonId(text: Buffer | undefined): string | undefined {
  try {
    const { daemonId } = JSON.parse(text?.toString() ?? '')
    return typeof daemonId === 'string' ? daemonId : undefined
  } catch {
    return undefined
  }
}
