import { isoTime } from '../lib/clock.ts'
import type { Manifest } from '../wire/backup.ts'
import type { Verification } from '../wire/verification.ts'
import { makePieceKey } from './layout.ts'
import { manifestText, readManifest } from './manifest.ts'
import { assertOwner } from './owner.ts'
import { exclusively, type StoreWorld } from './world.ts'

type Named = Pick<Manifest, 'server' | 'name'>

/**
 * Marks a backup as corrupt in its manifest, so that it no longer counts as good. Only in the own namespace, and only
 * if the manifest exists; an earlier mark is kept.
 * @returns whether the backup is marked now
 */
export function markCorrupt(world: StoreWorld, backup: Named, reason: string): Promise<boolean> {
  const corrupt = { at: isoTime(world.clock.now()), reason }
  return changeManifest(world, backup, ({ proof: _disproved, ...manifest }) => ({
    ...manifest,
    verified: null,
    corrupt: manifest.corrupt ?? corrupt,
  }))
}

/** Notes in its manifest that all of a backup was read and is intact, which also removes an earlier mark. */
export function markVerified(
  world: StoreWorld,
  backup: Named,
  proof: Omit<Verification, 'at'>,
): Promise<boolean> {
  const at = isoTime(world.clock.now())
  const marks = { verified: at, proof: { at, ...proof }, corrupt: null }
  return changeManifest(world, backup, (manifest) => ({ ...manifest, ...marks }))
}

async function changeManifest(
  world: StoreWorld,
  { server, name }: Named,
  change: (manifest: Manifest) => Manifest,
): Promise<boolean> {
  if (server !== world.identity.ip) return false
  return exclusively(world, async () => {
    await assertOwner(world)
    const manifest = (await readManifest(world.driver, server, name))?.manifest
    if (!manifest) return false
    await world.driver.replace(makePieceKey(server, name, 'manifest'), manifestText(change(manifest)))
    return true
  })
}
