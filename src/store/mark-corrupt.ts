import { isoTime } from '../lib/clock.ts'
import type { Manifest } from '../wire/backup.ts'
import { makePieceKey } from './layout.ts'
import { manifestText, readManifest } from './manifest.ts'
import { assertOwner } from './owner.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Marks a backup as corrupt in its manifest, so that it no longer counts as good. Only in the own namespace, and only
 * if the manifest exists; an earlier mark is kept.
 * @returns whether the backup is marked now
 */
export async function markCorrupt(
  world: StoreWorld,
  { server, name }: Pick<Manifest, 'server' | 'name'>,
  reason: string,
): Promise<boolean> {
  if (server !== world.identity.ip) return false
  return exclusively(world, async () => {
    await assertOwner(world)
    const manifest = (await readManifest(world.driver, server, name))?.manifest
    if (!manifest) return false
    if (manifest.corrupt) return true
    const corrupt = { at: isoTime(world.clock.now()), reason }
    await world.driver.replace(makePieceKey(server, name, 'manifest'), manifestText({ ...manifest, corrupt }))
    return true
  })
}
