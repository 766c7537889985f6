import { isoTime } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { copyObject, createSmall, mapInOrder, tryReadSmall, tryRemove } from '../objects/small-objects.ts'
import { unfinishedName } from '../objects/unfinished.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import type { Manifest } from '../wire/backup.ts'
import { readHiddenNote } from './hidden-note.ts'
import { finishDueDeletes } from './kinds/archive/delete-archives.ts'
import { countHiddenArchives } from './kinds/archive/due-archives.ts'
import { intentKey, makePieceKey, type Piece, type Place, parsePlace } from './layout.ts'
import { manifestText, parseManifest, readManifest } from './manifest.ts'
import { makeEntity, readMeta, updateMeta } from './meta-file.ts'
import { assertOwner } from './owner.ts'
import { isFull } from './reserve.ts'
import type { Settled } from './store.ts'
import { exclusively, type StoreWorld } from './world.ts'

type Part = Place & { kind: 'part' }

/** The content of the own namespace, by kind. */
interface NamespaceContent {
  pieces: Record<Piece, Set<string>>
  parts: { fileName: string; part: Part }[]
  /** Names of mirrors that are being deleted. */
  trash: string[]
  strangers: string[]
}

/** Recovers the own namespace after a crash. Runs before any job, so every unfinished object belongs to a dead run. */
export function settleNamespace(world: StoreWorld): Promise<Settled> {
  return exclusively(world, async () => {
    await assertOwner(world)
    const folder = await readFolder(world)
    const deleted = await finishDueDeletes(world)
    await dropTrashFromMeta(world, folder.trash)
    const rolledForward = await rollForward(world, folder)
    const swept = [...deleted, ...(await removeLeftovers(world, folder, rolledForward))]
    await addMissingToMeta(world, folder)
    swept.push(...(await settleHidden(world, folder)))
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
  const rolledForward = await rollForward(world, folder)
  for (const name of rolledForward) {
    world.warn(`"${name}" is published now; its run was killed just before it would have published it`)
  }
  await removeLeftovers(world, folder, rolledForward)
  await addMissingToMeta(world, folder)
}

async function readFolder(
  { driver, identity }: StoreWorld,
  isWanted: (backup: string) => boolean = () => true,
): Promise<NamespaceContent> {
  const pieces = {
    object: new Set<string>(),
    manifest: new Set<string>(),
    index: new Set<string>(),
    hidden: new Set<string>(),
    tombstone: new Set<string>(),
  }
  const folder: NamespaceContent = { pieces, parts: [], trash: [], strangers: [] }
  for await (const entry of driver.names(identity.ip)) {
    const place = parsePlace(entry)
    if ('backup' in place && !isWanted(place.backup)) continue
    if (place.kind === 'unknown') folder.strangers.push(entry.name)
    else if (place.kind === 'trash') folder.trash.push(place.backup)
    else if (place.kind === 'part') folder.parts.push({ fileName: entry.name, part: place })
    else if (place.kind !== 'own') pieces[place.kind].add(place.backup)
  }
  for (const name of pieces.tombstone)
    for (const piece of ['object', 'manifest', 'index', 'hidden'] as const) pieces[piece].delete(name)
  return folder
}

/** A crash right after a mirror was renamed into the trash leaves its entry in `.meta`. */
async function dropTrashFromMeta(world: StoreWorld, trash: string[]): Promise<void> {
  const gone: string[] = []
  for (const name of trash) if (!(await world.driver.stat(`${world.identity.ip}/${name}`))) gone.push(name)
  if (gone.length > 0) await updateMeta(world, (meta) => meta.drop(gone))
}

/**
 * Finishes backups whose archive has its name and whose intent exists: both were complete and synced. In a full store the
 * next settle does it. Returns the names.
 */
async function rollForward(world: StoreWorld, folder: NamespaceContent): Promise<string[]> {
  const { object, manifest } = folder.pieces
  const published: string[] = []
  for (const { part } of folder.parts) {
    if (part.of !== 'manifest' || !object.has(part.backup) || manifest.has(part.backup)) continue
    try {
      if (!(await finishPublish(world, part))) continue
    } catch (error) {
      if (!isFull(error)) throw error
      world.warn(
        `"${part.backup}" is complete, but the store has no room for its manifest: ${messageOf(error)}`,
      )
      folder.parts = folder.parts.filter((other) => other.part.backup !== part.backup)
      continue
    }
    manifest.add(part.backup)
    published.push(part.backup)
  }
  return published
}

async function finishPublish(
  { driver, identity, clock }: StoreWorld,
  { backup, rid }: Part,
): Promise<boolean> {
  const key = (piece: Piece) => makePieceKey(identity.ip, backup, piece)
  const { content } = await tryReadSmall(driver, intentKey(identity.ip, backup, rid))
  const { manifest } = parseManifest(backup, content ?? Buffer.alloc(0))
  if (manifest?.rid !== rid) return false
  // Earlier versions gave the index its name after the archive's.
  const index = unfinishedName(key('index'), rid)
  const isIndexDue = (await driver.stat(index)) && !(await driver.stat(key('index')))
  if (isIndexDue) await copyObject(driver, index, key('index'))
  const size = (await driver.stat(key('object')))?.size
  const reason = `the archive was ${size} bytes after a crash, expected ${manifest.size}`
  const corrupt = size === manifest.size ? manifest.corrupt : { at: isoTime(clock.now()), reason }
  await createSmall(driver, key('manifest'), manifestText({ ...manifest, corrupt }))
  return true
}

/**
 * Removes unfinished objects and intents. The index of an abandoned publish goes before the intent, which is the only
 * trace of it. Returns the names of those that were not rolled forward.
 */
async function removeLeftovers(
  world: StoreWorld,
  { parts, pieces }: NamespaceContent,
  rolledForward: readonly string[],
): Promise<string[]> {
  const { driver, identity } = world
  const swept: string[] = []
  for (const { fileName, part } of parts) {
    const isUndone = part.of === 'manifest' && !pieces.manifest.has(part.backup)
    if (isUndone && !pieces.object.has(part.backup) && pieces.index.delete(part.backup)) {
      const stuck = await tryRemove(driver, makePieceKey(identity.ip, part.backup, 'index'))
      await driver.syncFolder?.(identity.ip)
      if (stuck) {
        warnOfUnfinished(world, fileName, stuck)
        continue
      }
    }
    const stuck = await tryRemove(driver, `${identity.ip}/${fileName}`)
    if (stuck) warnOfUnfinished(world, fileName, stuck)
    else if (!rolledForward.includes(part.backup)) swept.push(fileName)
  }
  return swept
}

function warnOfUnfinished({ warn }: StoreWorld, fileName: string, { message }: Error): void {
  warn(`What is left of the unfinished "${fileName}" cannot be removed: ${message}`)
}

/** Removes the marks of hidden archives that are gone, which another version left, and counts the others. */
async function settleHidden(world: StoreWorld, { pieces }: NamespaceContent): Promise<string[]> {
  const { driver, identity } = world
  const swept: string[] = []
  for (const name of pieces.hidden) {
    if (pieces.object.has(name) || pieces.manifest.has(name)) continue
    const mark = makePieceKey(identity.ip, name, 'hidden')
    if (!(await tryRemove(driver, mark))) swept.push(mark.slice(identity.ip.length + 1))
  }
  const { archives } = await readHiddenNote(driver, identity.ip)
  if (archives || pieces.hidden.size > 0) await countHiddenArchives(world)
  return swept
}

/** Adds backups that a crash kept out of `.meta`, and rebuilds `.meta` if it is missing or broken. */
async function addMissingToMeta(world: StoreWorld, { pieces }: NamespaceContent): Promise<void> {
  const { driver, identity } = world
  if (pieces.manifest.size === 0) return
  const { meta, whole } = await readMeta(world, identity.ip)
  const missing = whole ? [...pieces.manifest].filter((name) => !meta.find(name)) : []
  const manifests: Manifest[] = []
  for await (const read of mapInOrder(missing, (name) => readManifest(driver, identity.ip, name))) {
    if (read?.manifest) manifests.push(read.manifest)
  }
  await updateMeta(world, (own) => {
    for (const manifest of manifests) own.put(makeEntity(manifest))
    return manifests.length > 0
  })
}

/** Unknown objects: foreign names, archives without manifest and `.meta` entry, indexes without an archive. */
async function listUnknown(world: StoreWorld, { pieces, strangers }: NamespaceContent): Promise<string[]> {
  const { meta } = await readMeta(world, world.identity.ip)
  const { object, manifest, index } = pieces
  const archives = [...object].filter((name) => !manifest.has(name) && !meta.find(name))
  const indexes = [...index]
    .filter((name) => !object.has(name) && !manifest.has(name))
    .map((name) => `${name}.index.gz`)
  return [...strangers.filter((name) => !meta.find(name)), ...archives, ...indexes].sort()
}
