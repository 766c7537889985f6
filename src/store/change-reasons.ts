import { BackupdError } from '../lib/errors.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import type { HeldThing } from '../wire/pin.ts'
import { findEntry } from './find-backup.ts'
import { changeHolds } from './hold-note.ts'
import { ANSWER_WAIT_MS, makeAcquireLock } from './kinds/series/acquire-lock.ts'
import { findSnapshot } from './kinds/series/find-snapshot.ts'
import { readSeries, type SeriesSnapshot, type SnapshotSeries } from './kinds/series/series.ts'
import { makeSnapshotInfo } from './kinds/series/series-info.ts'
import { checkBackupName, makePieceKey } from './layout.ts'
import { readManifest } from './manifest.ts'
import { changeManifest } from './mark-backup.ts'
import { withReserve } from './reserve.ts'
import type { StoreParts } from './store-parts.ts'
import type { Reader } from './stored-backup.ts'
import type { StoreWorld } from './world.ts'

export interface OwnStore {
  world: StoreWorld
  parts: StoreParts
  /** The own namespace. */
  ip: string
  reader: Reader
}

/** Throws to leave the reasons as they are. */
export type ChangeReasons = (reasons: readonly string[]) => string[]

/**
 * Changes the reasons to keep something of the own namespace whatever its age, where they lie: in its manifest, or in the note
 * of what is held. Nobody deletes it meanwhile. A full store gives its reserve for it, so that a pin can be released to make
 * room. Throws NOT_FOUND, BAD_INPUT, CONFLICT, REPOSITORY_LOCKED, and what `change` throws.
 */
export async function changeReasons(own: OwnStore, thing: HeldThing, change: ChangeReasons): Promise<void> {
  checkBackupName(thing.name)
  await withReserve(own.world, () => changeWhereTheyLie(own, thing, change))
}

async function changeWhereTheyLie(own: OwnStore, thing: HeldThing, change: ChangeReasons): Promise<void> {
  if (!parseBackupName(thing.name) && (await changeInSeries(own, thing, change))) return
  if (thing.snapshot !== undefined) throw withoutSnapshots(thing)
  const read = await readManifest(own.world.driver, own.ip, thing.name)
  if (read) await changeInManifest(own, thing.name, change)
  else await changeWithoutManifest(own, thing.name, change)
}

/** False if no series has the name. The lock keeps others from deleting snapshots, and lets backups go on. */
async function changeInSeries(
  { parts, ip, reader }: OwnStore,
  { name, snapshot }: HeldThing,
  change: ChangeReasons,
): Promise<boolean> {
  await using repository = await parts.repository(ip)
  if (!repository) return false
  await parts.assertOwner()
  await using _lock = await makeAcquireLock(repository, reader, ANSWER_WAIT_MS)({ exclusive: false })
  const series = (await readSeries(repository, ip)).find((one) => one.name === name)
  if (!series) return false
  const { id } = chooseSnapshot(series, snapshot)
  await changeHolds({ store: parts, ip }, id, change)
  return true
}

/** The newest one would be a guess, and may be suspect. */
function chooseSnapshot(series: SnapshotSeries, wanted: string | undefined): SeriesSnapshot {
  if (wanted !== undefined) return findSnapshot(series, wanted)
  const good = series.snapshots.findLast((one) => makeSnapshotInfo(one).good) ?? series.snapshots.at(-1)
  const what = `"${series.name}" is an increment, whose snapshots are pinned one by one`
  throw new BackupdError('BAD_INPUT', `${what}: name one of them, such as ${good?.id}`)
}

/** A deleted backup may have its manifest for a while, but is none any more. */
async function changeInManifest({ world, ip }: OwnStore, name: string, change: ChangeReasons): Promise<void> {
  const changed = await changeManifest(world, { server: ip, name }, async (manifest) => {
    if (await world.driver.stat(makePieceKey(ip, name, 'tombstone'))) throw noSuchBackup(name, ip)
    return { ...manifest, holds: change(manifest.holds) }
  })
  if (!changed) throw await unreadableManifest({ world, ip }, name)
}

async function unreadableManifest(
  { world, ip }: Pick<OwnStore, 'world' | 'ip'>,
  name: string,
): Promise<BackupdError> {
  const read = await readManifest(world.driver, ip, name)
  if (!read?.problem) return noSuchBackup(name, ip)
  const what = `${read.problem}. It can be neither pinned nor released, and is not deleted as long as that is so`
  return new BackupdError('CONFLICT', `Cannot change what keeps "${name}": ${what}`, { facts: { name } })
}

/** A backup of the legacy system. */
async function changeWithoutManifest(
  { world, parts, ip }: OwnStore,
  name: string,
  change: ChangeReasons,
): Promise<void> {
  await changeHolds({ store: parts, ip }, name, async (reasons) => {
    if (!(await findEntry(world, ip, name))) throw noSuchBackup(name, ip)
    return change(reasons)
  })
}

function noSuchBackup(name: string, ip: string): BackupdError {
  return new BackupdError('NOT_FOUND', `There is no backup "${name}" of its own in ${ip}`)
}

function withoutSnapshots({ name, snapshot }: HeldThing): BackupdError {
  const what = `Cannot find the snapshot ${snapshot} of "${name}": it has no snapshots`
  return new BackupdError('BAD_INPUT', `${what}. Leave the snapshot out`, { facts: { name } })
}
