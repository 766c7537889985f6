import { BackupdError } from '../../../lib/errors.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { checkBackupName, makePieceKey } from '../../layout.ts'
import { type Described, describeBackup } from '../../list-backups.ts'
import { makeEntity, readMeta, updateMeta } from '../../meta-file.ts'
import { assertOwner } from '../../owner.ts'
import { exclusively, type StoreWorld } from '../../world.ts'
import { countHiddenArchives } from './due-archives.ts'
import { readHiddenMark } from './hidden-archives.ts'

/**
 * Makes hidden archives of the own namespace backups again, and returns them. Throws NOT_FOUND before the first, if one of
 * them is not hidden, or is being removed.
 */
export function restoreHiddenArchives(world: StoreWorld, names: readonly string[]): Promise<BackupInfo[]> {
  for (const name of names) checkBackupName(name)
  return exclusively(world, async () => {
    await assertOwner(world)
    const found: Described[] = []
    for (const name of new Set(names)) found.push(await findRestorable(world, name))
    const { driver, identity } = world
    for (const { info } of found) await driver.remove(makePieceKey(identity.ip, info.name, 'hidden'))
    await driver.syncFolder?.(identity.ip)
    await enterInMeta(world, found)
    await countHiddenArchives(world)
    return found.map(({ info }) => info)
  })
}

async function findRestorable(world: StoreWorld, name: string): Promise<Described> {
  const { driver, identity } = world
  const { meta } = await readMeta(world, identity.ip)
  const [found, { isHidden }, tombstone] = await Promise.all([
    describeBackup(world, { namespace: identity.ip, name, meta }),
    readHiddenMark(driver, identity.ip, name),
    driver.stat(makePieceKey(identity.ip, name, 'tombstone')),
  ])
  if (!found || tombstone) throw notRestorable(name, 'its room is freed, so it is gone')
  if (!isHidden) throw notRestorable(name, 'it is not deleted')
  return found
}

function notRestorable(name: string, why: string): BackupdError {
  const what = `Cannot restore the deleted backup "${name}": ${why}`
  const message = `${what}. "backupd deleted list" has those that can be restored; nothing was restored`
  return new BackupdError('NOT_FOUND', message, { facts: { name } })
}

/** Another version may have dropped the entry. */
async function enterInMeta(world: StoreWorld, found: readonly Described[]): Promise<void> {
  await updateMeta(world, (meta) => {
    const missing = found.flatMap(({ manifest }) => (manifest && !meta.find(manifest.name) ? [manifest] : []))
    for (const manifest of missing) meta.put(makeEntity(manifest))
    return missing.length > 0
  })
}
