import { isoTime } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { backupName, parseBackupName } from '../wire/archive-name.ts'
import type { Manifest } from '../wire/backup.ts'
import { RID_PATTERN } from '../wire/ids.ts'
import { checkArchiveName, makePieceKey, parsePlace } from './layout.ts'
import { findNewestManifest } from './list-backups.ts'
import { assertOwner } from './owner.ts'
import { type BegunBackup, createPendingBackup } from './pending-backup.ts'
import { settleArchive } from './settle.ts'
import type { BeginInput, PendingBackup } from './store-parts.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Removes leftovers of killed runs of the archive, then reserves an unused name and sequence number, and begins
 * the archive and its index.
 */
export async function beginBackup(
  world: StoreWorld,
  { archive, rid, source, isRunning = async () => true }: BeginInput,
): Promise<PendingBackup> {
  checkArchiveName(archive)
  if (!RID_PATTERN.test(rid))
    throw new BackupdError('BAD_INPUT', `${JSON.stringify(rid)} is not the id of a run`)
  return exclusively(world, async () => {
    const owner = await assertOwner(world)
    await settleArchive(world, archive, isRunning)
    const now = world.clock.now()
    const name = backupName(
      archive,
      Math.max(Math.floor(now / 1000), (await lastSeconds(world, archive)) + 1),
    )
    const newest = await findNewestManifest(world, { namespace: world.identity.ip, source, archive })
    const place = { name, rid, created: isoTime(now), sequence: (newest?.sequence ?? 0) + 1, owner }
    return createPendingBackup(world, place, await openParts(world, place, newest))
  })
}

/**
 * The latest time in a name of the archive, pending and deleted ones included: names stay unique if the clock jumps
 * back.
 */
async function lastSeconds({ driver, identity }: StoreWorld, archive: string): Promise<number> {
  let last = 0
  for await (const entry of driver.names(identity.ip)) {
    const place = parsePlace(entry)
    const parsed = 'backup' in place ? parseBackupName(place.backup) : undefined
    if (parsed?.archive === archive) last = Math.max(last, parsed.seconds)
  }
  return last
}

/** An archive is expected to be about as large as the one before. */
async function openParts(
  { driver, identity }: StoreWorld,
  { name, rid }: Pick<BegunBackup, 'name' | 'rid'>,
  before: Manifest | undefined,
) {
  const expected = before ? { expectedBytes: before.size } : {}
  const object = await driver.create(makePieceKey(identity.ip, name, 'object'), {
    run: rid,
    kind: 'data',
    ...expected,
  })
  try {
    return { object, index: await driver.create(makePieceKey(identity.ip, name, 'index'), { run: rid }) }
  } catch (error) {
    await object.abort()
    throw error
  }
}
