import { BackupdError } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import { isMirror } from '../wire/backup.ts'
import { parseNamespace } from '../wire/namespace.ts'
import { archiveBackup } from './kinds/archive/archive-backup.ts'
import { openIndex } from './kinds/archive/open-index.ts'
import type { StoredArchive } from './kinds/archive/stored-archive.ts'
import { mirrorAt } from './kinds/mirror/mirror-at.ts'
import { mirrorBackup } from './kinds/mirror/mirror-backup.ts'
import { seriesBackup } from './kinds/series/series-backup.ts'
import { checkBackupName, makePieceKey, parsePlace } from './layout.ts'
import { type Described, describeBackup, describeManifest } from './list-backups.ts'
import { readManifest } from './manifest.ts'
import { markCorrupt, markVerified } from './mark-backup.ts'
import { readMeta } from './meta-file.ts'
import type { Mirror, StoredMirror } from './store-parts.ts'
import type { FindOptions, StoredBackup } from './stored-backup.ts'
import type { StoreWorld } from './world.ts'

/**
 * Finds one backup of any kind by its name; undefined if it does not exist, or is being deleted or published. Throws NOT_FOUND if there
 * is a folder in the place of an archive.
 */
export async function findBackup(
  world: StoreWorld,
  { namespace, name }: { namespace: string; name: string },
  { trustsManifest = false }: FindOptions = {},
): Promise<StoredBackup | undefined> {
  checkBackupName(name)
  // A series replaces the mirror of the same name that it took over.
  const series = parseBackupName(name) ? undefined : await seriesBackup(world, namespace, name)
  if (series) return series
  const trusted = trustsManifest ? await findManifest(world, namespace, name) : undefined
  const entry = trusted ?? (await findEntry(world, namespace, name))
  if (!entry) {
    await refuseFolder(world, namespace, name)
    return undefined
  }
  const mirror = openMirror(world, entry)
  return mirror ? mirrorBackup(entry.info, mirror) : archiveBackup(openArchive(world, entry))
}

/** Somebody may have put a folder there, because mirrors are folders and not signed. */
async function refuseFolder({ driver }: StoreWorld, namespace: string, name: string): Promise<void> {
  if (!parseBackupName(name)) return
  const object = await driver.stat(makePieceKey(namespace, name, 'object'))
  if (object?.kind !== 'folder') return
  throw new BackupdError(
    'NOT_FOUND',
    `"${name}" is a folder in the store, and a full backup is a file: somebody put it there`,
  )
}

/** Undefined if there is none that can be read: everything else must be asked then. */
async function findManifest(
  { driver }: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoreEntry | undefined> {
  const read = await readManifest(driver, namespace, name)
  if (!read?.manifest) return undefined
  return describeManifest(read, { namespace, name, size: read.manifest.size })
}

export async function findMirror(
  world: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoredMirror | undefined> {
  const entry = await findEntry(world, namespace, name)
  const mirror = entry && openMirror(world, entry)
  return mirror ? { info: entry.info, mirror } : undefined
}

/** An archive or a mirror. */
export type StoreEntry = Described

export async function findEntry(
  world: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoreEntry | undefined> {
  checkBackupName(name)
  const { driver } = world
  const { meta } = await readMeta(world, parseNamespace(namespace))
  const found = await describeBackup(world, { namespace, name, meta })
  if (!found || (await isDeleted(driver, namespace, name))) return undefined
  const isKnown = found.manifest !== null || meta.find(name) !== undefined
  return isKnown || (await isAdoptable(world, namespace, name)) ? found : undefined
}

/** Also if that can be undone. */
async function isDeleted(driver: Driver, namespace: string, name: string): Promise<boolean> {
  const pieces = ['hidden', 'tombstone'] as const
  const found = await Promise.all(pieces.map((piece) => driver.stat(makePieceKey(namespace, name, piece))))
  return found.some((stat) => stat !== undefined)
}

function openMirror(world: StoreWorld, { info }: StoreEntry): Mirror | undefined {
  return isMirror(info) ? mirrorAt(world, info.server, info.name) : undefined
}

export function openArchive(
  world: StoreWorld,
  { info, manifest, changed, printSigned }: StoreEntry,
): StoredArchive {
  const { server, name } = info
  return {
    info,
    manifest,
    isManifestChanged: changed === true,
    printSigned: printSigned ?? null,
    openObject: (known) => world.driver.open(makePieceKey(server, name, 'object'), known),
    openIndex: () => openIndex(world, server, manifest),
    markCorrupt: (reason) => markCorrupt(world, { server, name }, reason),
    markVerified: async (proof) =>
      manifest !== null && (await markVerified(world, { server, name, corrupt: manifest.corrupt }, proof)),
    exists: async () => (await findEntry(world, server, name)) !== undefined,
  }
}

/** An archive without manifest and `.meta` entry counts as a backup by its name alone, unless a run is publishing it. */
async function isAdoptable({ driver }: StoreWorld, namespace: string, name: string): Promise<boolean> {
  if (parsePlace({ name, kind: 'file' }).kind !== 'object') return false
  for await (const entry of driver.names(namespace)) {
    const place = parsePlace(entry)
    if (place.kind === 'part' && place.of === 'manifest' && place.backup === name) return false
  }
  return true
}
