import { isoTime } from '../lib/clock.ts'
import { eachOf, tryReadSmall } from '../objects/small-objects.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import type { Manifest } from '../wire/backup.ts'
import { keyOf, type Piece, type Place, placeOf } from './layout.ts'
import { manifestText, parseManifest, readManifest } from './manifest.ts'
import { entityOf, readMeta, updateMeta } from './meta-file.ts'
import { assertOwner } from './owner.ts'
import { finishDeletes } from './remove-backups.ts'
import type { Settled } from './store.ts'
import { exclusively, type StoreWorld } from './world.ts'

type Part = Place & { kind: 'part' }

/** The content of the own namespace, by kind. */
interface Folder {
  pieces: Record<Piece, Set<string>>
  parts: { fileName: string; part: Part }[]
  /** Names of mirrors that are being deleted. */
  trash: string[]
  strangers: string[]
}

/** Recovers the own namespace after a crash. Runs before any job, so every temporary file belongs to a dead run. */
export function settleNamespace(world: StoreWorld): Promise<Settled> {
  return exclusively(world, async () => {
    await assertOwner(world)
    const folder = await readFolder(world)
    await finishDeletes(world, [...folder.pieces.tombstone])
    await dropTrashFromMeta(world, folder.trash)
    const rolledForward = await rollForward(world, folder)
    const swept = [...folder.pieces.tombstone, ...(await removeLeftovers(world, folder))]
    await addMissingToMeta(world, folder)
    return { rolledForward, swept, unknown: await listUnknown(world, folder) }
  })
}

/** Does the same for one archive whose runs were killed while the daemon kept running. Call it under exclusively(). */
export async function settleArchive(
  world: StoreWorld,
  archive: string,
  isRunning: (rid: string) => Promise<boolean>,
): Promise<void> {
  const folder = await readFolder(world, (backup) => parseBackupName(backup)?.archive === archive)
  const rids = new Set(folder.parts.map(({ part }) => part.rid))
  for (const rid of rids) if (await isRunning(rid)) rids.delete(rid)
  folder.parts = folder.parts.filter(({ part }) => rids.has(part.rid))
  if (folder.parts.length === 0) return
  for (const name of await rollForward(world, folder)) {
    world.warn(`"${name}" is published now: the run that made it was killed right before its end`)
  }
  await removeLeftovers(world, folder)
  await addMissingToMeta(world, folder)
}

async function readFolder(
  { driver, identity }: StoreWorld,
  isWanted: (backup: string) => boolean = () => true,
): Promise<Folder> {
  const pieces = {
    object: new Set<string>(),
    manifest: new Set<string>(),
    index: new Set<string>(),
    tombstone: new Set<string>(),
  }
  const folder: Folder = { pieces, parts: [], trash: [], strangers: [] }
  for await (const entry of driver.names(identity.ip)) {
    const place = placeOf(entry)
    if ('backup' in place && !isWanted(place.backup)) continue
    if (place.kind === 'unknown') folder.strangers.push(entry.name)
    else if (place.kind === 'trash') folder.trash.push(place.backup)
    else if (place.kind === 'part') folder.parts.push({ fileName: entry.name, part: place })
    else if (place.kind !== 'own') pieces[place.kind].add(place.backup)
  }
  for (const name of pieces.tombstone)
    for (const piece of ['object', 'manifest', 'index'] as const) pieces[piece].delete(name)
  return folder
}

/** A crash right after a mirror was renamed into the trash leaves its entry in `.meta`. */
async function dropTrashFromMeta(world: StoreWorld, trash: string[]): Promise<void> {
  const gone: string[] = []
  for (const name of trash) if (!(await world.driver.stat(`${world.identity.ip}/${name}`))) gone.push(name)
  if (gone.length > 0) await updateMeta(world, (meta) => meta.drop(gone))
}

/** Publishes archives with a final name whose manifest still has a temporary one: they were complete and synced. */
async function rollForward(world: StoreWorld, folder: Folder): Promise<string[]> {
  const published: string[] = []
  for (const { part } of folder.parts) {
    const { object, manifest } = folder.pieces
    if (part.of !== 'manifest' || !object.has(part.backup) || manifest.has(part.backup)) continue
    if (!(await finishPublish(world, part))) continue
    manifest.add(part.backup)
    published.push(part.backup)
  }
  return published
}

async function finishPublish(
  { driver, identity, clock }: StoreWorld,
  { backup, rid }: Part,
): Promise<boolean> {
  const key = (piece: Piece, ofRun?: string) => keyOf(identity.ip, backup, piece, ofRun)
  const { content } = await tryReadSmall(driver, key('manifest', rid))
  const { manifest } = parseManifest(backup, content ?? Buffer.alloc(0))
  if (manifest?.rid !== rid) return false
  const size = (await driver.stat(key('object')))?.size
  if (size !== manifest.size) {
    const reason = `the archive was ${size} bytes after a crash, expected ${manifest.size}`
    await driver.replace(
      key('manifest', rid),
      manifestText({ ...manifest, corrupt: { at: isoTime(clock.now()), reason } }),
    )
  }
  if (await driver.stat(key('index', rid))) await driver.rename(key('index', rid), key('index'))
  // As in publish(): after a power loss no manifest may lack its archive or index.
  await driver.syncFolder(identity.ip)
  await driver.rename(key('manifest', rid), key('manifest'))
  await driver.syncFolder(identity.ip)
  return true
}

/**
 * Removes temporary files. The index of an abandoned publish goes before the manifest, which is the only trace of
 * it.
 */
async function removeLeftovers(
  { driver, identity }: StoreWorld,
  { parts, pieces }: Folder,
): Promise<string[]> {
  const swept: string[] = []
  for (const { fileName, part } of parts) {
    const isRolled = part.of === 'manifest' && pieces.manifest.has(part.backup)
    if (
      part.of === 'manifest' &&
      !isRolled &&
      !pieces.object.has(part.backup) &&
      pieces.index.delete(part.backup)
    ) {
      await driver.remove(keyOf(identity.ip, part.backup, 'index'))
    }
    if (!(await driver.stat(`${identity.ip}/${fileName}`))) continue
    await driver.remove(`${identity.ip}/${fileName}`)
    swept.push(fileName)
  }
  return swept
}

/** Adds backups that a crash kept out of `.meta`, and rebuilds `.meta` if it is missing or broken. */
async function addMissingToMeta(world: StoreWorld, { pieces }: Folder): Promise<void> {
  const { driver, identity } = world
  if (pieces.manifest.size === 0) return
  const { meta, whole } = await readMeta(world, identity.ip)
  const missing = whole ? [...pieces.manifest].filter((name) => !meta.find(name)) : []
  const manifests: Manifest[] = []
  for await (const read of eachOf(missing, (name) => readManifest(driver, identity.ip, name))) {
    if (read?.manifest) manifests.push(read.manifest)
  }
  await updateMeta(world, (own) => {
    for (const manifest of manifests) own.put(entityOf(manifest))
    return manifests.length > 0
  })
}

/** Unknown objects: foreign names, archives without manifest and `.meta` entry, indexes without an archive. */
async function listUnknown(world: StoreWorld, { pieces, strangers }: Folder): Promise<string[]> {
  const { meta } = await readMeta(world, world.identity.ip)
  const { object, manifest, index } = pieces
  const archives = [...object].filter((name) => !manifest.has(name) && !meta.find(name))
  const indexes = [...index]
    .filter((name) => !object.has(name) && !manifest.has(name))
    .map((name) => `${name}.index.gz`)
  return [...strangers.filter((name) => !meta.find(name)), ...archives, ...indexes].sort()
}
