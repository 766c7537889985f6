import { mapInOrder } from '../objects/small-objects.ts'
import { isFullBackupName } from '../wire/archive-name.ts'
import type { BackupEntity } from '../wire/backup.ts'
import { makePieceKey } from './layout.ts'
import { readMeta, updateMeta } from './meta-file.ts'
import type { StoreWorld } from './world.ts'

/** Limit of volumes that are checked, to stay quick in a large namespace. */
const MAX_VOLUMES = 1000
const MAX_LISTED = 3

/**
 * Describes archives that are in `.meta` but missing from the own namespace, so not deleted through backupd. Checks
 * only the oldest and the newest of each volume. Returns a sentence, or undefined if none is missing.
 */
export async function describeGoneArchives(world: StoreWorld): Promise<string | undefined> {
  const { meta, whole } = await readMeta(world, world.identity.ip)
  const isBare = !whole && world.identity.knownStore?.madeArchives && !(await hasArchive(world))
  if (isBare) return sentence(world, 'all archives are')
  const gone = await listGone(world, oldestAndNewest(meta.entities()))
  if (gone.length === 0) return undefined
  const named = gone.slice(0, MAX_LISTED).map((name) => `"${name}"`)
  const more = gone.length > MAX_LISTED ? `, and ${gone.length - MAX_LISTED} more` : ''
  return sentence(world, `${named.join(', ')}${more} ${gone.length > 1 ? 'are' : 'is'}`)
}

function sentence({ identity }: StoreWorld, what: string): string {
  const then = 'Put them back, or start the daemon once with --claim-store to accept that they are gone'
  return `In the namespace ${identity.ip} ${what} missing, although nobody deleted them through backupd. ${then}; backups continue`
}

/** Accepts that archives are missing and removes their entries from `.meta`. Call it under exclusively(). */
export async function dropGoneArchives(world: StoreWorld): Promise<void> {
  const { meta } = await readMeta(world, world.identity.ip)
  const gone = await listGone(world, [...meta.entities()].filter(isArchive))
  if (gone.length > 0) await updateMeta(world, (own) => own.drop(gone))
}

async function listGone({ driver, identity }: StoreWorld, entities: BackupEntity[]): Promise<string[]> {
  const stats = mapInOrder(entities, async ({ name }) => ({
    name,
    isThere: (await driver.stat(makePieceKey(identity.ip, name, 'object'))) !== undefined,
  }))
  const gone: string[] = []
  for await (const { name, isThere } of stats) if (!isThere) gone.push(name)
  return gone
}

function isArchive({ mode }: BackupEntity): boolean {
  return mode === 'full'
}

function oldestAndNewest(entities: Iterable<BackupEntity>): BackupEntity[] {
  const bySource = Map.groupBy([...entities].filter(isArchive), ({ source }) => source)
  return [...bySource.values()].slice(0, MAX_VOLUMES).flatMap((list) => {
    const byTime = list.toSorted((a, b) => Date.parse(a.created) - Date.parse(b.created))
    return byTime.length > 1 ? [...byTime.slice(0, 1), ...byTime.slice(-1)] : byTime
  })
}

async function hasArchive({ driver, identity }: StoreWorld): Promise<boolean> {
  for await (const { name } of driver.names(identity.ip)) if (isFullBackupName(name)) return true
  return false
}
