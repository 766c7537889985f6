import { messageOf } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { copyObject, mapInOrder, tryReadSmall } from '../objects/small-objects.ts'
import type { BackupEntity, Manifest } from '../wire/backup.ts'
import { META, parsePlace } from './layout.ts'
import { readManifest } from './manifest.ts'
import { Meta } from './meta.ts'
import { renameInNamespace } from './namespace-folder.ts'
import type { StoreWorld } from './world.ts'

/**
 * Reads the `.meta` of any namespace. `whole` is false if it is missing or unreadable: then any entry may be
 * missing.
 */
export async function readMeta(
  { driver, warn }: StoreWorld,
  namespace: string,
): Promise<{ meta: Meta; whole: boolean }> {
  const { meta, problem } = await parseMeta(driver, `${namespace}/${META}`)
  if (problem !== null)
    warn(
      `"${namespace}/${META}" cannot be read (${problem}): backups without a manifest lack the facts it held`,
    )
  return { meta: meta ?? new Meta(), whole: meta !== undefined }
}

/** No meta and no problem: the file does not exist. */
async function parseMeta(driver: Driver, key: string): Promise<{ meta?: Meta; problem: string | null }> {
  const { content, problem } = await tryReadSmall(driver, key)
  if (!content) return { problem }
  try {
    return { meta: Meta.parse(content), problem: null }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/**
 * Changes the own `.meta`; call it under exclusively(). A missing or broken file is rebuilt from the manifests, and
 * the broken one is kept under another name. `change` returns whether it changed anything.
 */
export async function updateMeta(world: StoreWorld, change: (meta: Meta) => boolean): Promise<void> {
  const { meta, remade } = await readOwnMeta(world)
  const changed = change(meta)
  if (changed || remade) await world.driver.replace(metaKey(world), meta.toText())
}

async function readOwnMeta(world: StoreWorld): Promise<{ meta: Meta; remade: boolean }> {
  const { meta, problem } = await parseMeta(world.driver, metaKey(world))
  if (meta) return { meta, remade: false }
  if (problem !== null) await setMetaAside(world, problem)
  return { meta: await rebuildMeta(world), remade: true }
}

async function setMetaAside(world: StoreWorld, why: string): Promise<void> {
  const name = `${META}.broken-${Math.floor(world.clock.now() / 1000)}`
  const aside = `${world.identity.ip}/${name}`
  // Only a rename works for a file that cannot be read at all.
  if (world.driver.withFolder) await renameInNamespace(world, META, name)
  else await copyObject(world.driver, metaKey(world), aside)
  world.warn(
    `"${metaKey(world)}" cannot be read (${why}): rebuilt from the manifests. The old one is "${aside}"`,
  )
}

async function rebuildMeta(world: StoreWorld): Promise<Meta> {
  const { driver, identity } = world
  const names = new Set<string>()
  const deleted = new Set<string>()
  for await (const entry of driver.names(identity.ip)) {
    const place = parsePlace(entry)
    if (place.kind === 'manifest') names.add(place.backup)
    if (place.kind === 'tombstone') deleted.add(place.backup)
  }
  const kept = [...names].filter((name) => !deleted.has(name)).sort()
  const entities: BackupEntity[] = []
  for await (const read of mapInOrder(kept, (name) => readManifest(driver, identity.ip, name))) {
    if (read?.manifest) entities.push(makeEntity(read.manifest))
  }
  return new Meta(Map.groupBy(entities, (entity) => entity.source))
}

/** The entry that the legacy system lists a backup under. */
export function makeEntity(manifest: Manifest): BackupEntity {
  const { mode, source, volume, name, server, size, created, containers, instanceNo } = manifest
  return { mode, source, volume, name, server, size, created, containers, instanceNo }
}

function metaKey({ identity }: StoreWorld): string {
  return `${identity.ip}/${META}`
}
