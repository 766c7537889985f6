import { createHash } from 'node:crypto'
import type { ObjectReader } from '../objects/driver.ts'
import { openIfThere } from '../objects/small-objects.ts'
import { parseBackupName } from '../wire/archive-name.ts'
import { isMirror, type Manifest } from '../wire/backup.ts'
import { parseNamespace } from '../wire/namespace.ts'
import { archiveBackup } from './kinds/archive/archive-backup.ts'
import type { StoredArchive } from './kinds/archive/stored-archive.ts'
import { mirrorAt } from './kinds/mirror/mirror-at.ts'
import { mirrorBackup } from './kinds/mirror/mirror-backup.ts'
import { seriesBackup } from './kinds/series/series-backup.ts'
import { checkBackupName, makePieceKey, parsePlace } from './layout.ts'
import { type Described, describeBackup } from './list-backups.ts'
import { markCorrupt, markVerified } from './mark-backup.ts'
import { readMeta } from './meta-file.ts'
import type { Mirror, StoredMirror } from './store-parts.ts'
import type { StoredBackup } from './stored-backup.ts'
import type { StoreWorld } from './world.ts'

const READ_BYTES = 1024 * 1024

/** Finds one backup of any kind by its name; undefined if it does not exist, or is being deleted or published. */
export async function findBackup(
  world: StoreWorld,
  namespace: string,
  name: string,
): Promise<StoredBackup | undefined> {
  checkBackupName(name)
  // A series replaces the mirror of the same name that it took over.
  const series = parseBackupName(name) ? undefined : await seriesBackup(world, namespace, name)
  if (series) return series
  const entry = await findEntry(world, namespace, name)
  if (!entry) return undefined
  const mirror = openMirror(world, entry)
  return mirror ? mirrorBackup(entry.info, mirror) : archiveBackup(openArchive(world, entry))
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
  if (!found || (await driver.stat(makePieceKey(namespace, name, 'tombstone')))) return undefined
  const isKnown = found.manifest !== null || meta.find(name) !== undefined
  return isKnown || (await isAdoptable(world, namespace, name)) ? found : undefined
}

function openMirror(world: StoreWorld, { info }: StoreEntry): Mirror | undefined {
  return isMirror(info) ? mirrorAt(world, info.server, info.name) : undefined
}

export function openArchive(world: StoreWorld, { info, manifest, changed }: StoreEntry): StoredArchive {
  const { server, name } = info
  return {
    info,
    manifest,
    isManifestChanged: changed === true,
    openObject: () => world.driver.open(makePieceKey(server, name, 'object')),
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

async function openIndex(
  { driver, warn }: StoreWorld,
  namespace: string,
  manifest: Manifest | null,
): Promise<ObjectReader | null> {
  if (!manifest?.index) return null
  const key = makePieceKey(namespace, manifest.name, 'index')
  const reader = await openIfThere(driver, key)
  if (!reader) return null
  if (await matchesManifest(reader, manifest.index)) return reader
  await reader.close()
  warn(`"${key}" is not the index that the manifest names (sha256 or size differ): it is not used`)
  return null
}

async function matchesManifest(
  reader: ObjectReader,
  expected: { size: number; sha256: string },
): Promise<boolean> {
  if (reader.size !== expected.size) return false
  const hash = createHash('sha256')
  try {
    for (let at = 0; at < reader.size; at += READ_BYTES) hash.update(await reader.read(at, READ_BYTES))
  } catch (error) {
    await reader.close()
    throw error
  }
  return hash.digest('hex') === expected.sha256
}
