import { isDeepStrictEqual } from 'node:util'
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

/**
 * Notes in its manifest that all of a backup was read and is intact, which also removes its mark. Not if damage was found
 * meanwhile: this read may have come before the damage.
 * @param backup as it was before it was read
 * @returns whether it is noted now
 */
export function markVerified(
  world: StoreWorld,
  backup: Named & Pick<Manifest, 'corrupt'>,
  proof: Omit<Verification, 'at'>,
): Promise<boolean> {
  const at = isoTime(world.clock.now())
  const marks = { verified: at, proof: { at, ...proof }, corrupt: null }
  return changeManifest(world, backup, (manifest) =>
    isDeepStrictEqual(manifest.corrupt, backup.corrupt) ? { ...manifest, ...marks } : null,
  )
}

/** `change` returns null if nothing is to be written. */
async function changeManifest(
  world: StoreWorld,
  { server, name }: Named,
  change: (manifest: Manifest) => Manifest | null,
): Promise<boolean> {
  if (server !== world.identity.ip) return false
  return exclusively(world, async () => {
    await assertOwner(world)
    const read = await readManifest(world.driver, server, name)
    const manifest = read?.manifest && change(read.manifest)
    if (!manifest) return false
    const text = manifestText(manifest, read.changed)
    await world.driver.replace(makePieceKey(server, name, 'manifest'), text)
    return true
  })
}
