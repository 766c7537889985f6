import { isDeepStrictEqual } from 'node:util'
import { isoTime } from '../lib/clock.ts'
import type { BackupInfo, Manifest } from '../wire/backup.ts'
import { isUnusualHold } from '../wire/hold.ts'
import type { Verification } from '../wire/verification.ts'
import { makeManifestInfo } from './backup-info.ts'
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
export async function markCorrupt(world: StoreWorld, backup: Named, reason: string): Promise<boolean> {
  const corrupt = { at: isoTime(world.clock.now()), reason }
  const marked = await changeManifest(
    world,
    backup,
    ({ proof: _disproved, drilled: _refuted, ...manifest }) => ({
      ...manifest,
      verified: null,
      corrupt: manifest.corrupt ?? corrupt,
    }),
  )
  return marked !== undefined
}

/**
 * Notes in its manifest that all of a backup was read and is intact, which also removes its mark. Not if damage was found
 * meanwhile: this read may have come before the damage.
 * @param backup as it was before it was read
 * @returns whether it is noted now
 */
export async function markVerified(
  world: StoreWorld,
  backup: Named & Pick<Manifest, 'corrupt'>,
  proof: Omit<Verification, 'at'>,
): Promise<boolean> {
  const at = isoTime(world.clock.now())
  const drilled = proof.by === 'drill' && { drilled: at }
  const marks = { verified: at, proof: { at, ...proof }, corrupt: null, ...drilled }
  const marked = await changeManifest(world, backup, (manifest) =>
    isDeepStrictEqual(manifest.corrupt, backup.corrupt) ? { ...manifest, ...marks } : null,
  )
  return marked !== undefined
}

/** See StoreParts.hold. */
export async function holdArchive(
  world: StoreWorld,
  name: string,
  reason: string,
): Promise<BackupInfo | undefined> {
  const add = (manifest: Manifest) =>
    manifest.corrupt === null ? { ...manifest, holds: [...manifest.holds, reason] } : null
  return describeWritten(await changeManifest(world, { server: world.identity.ip, name }, add))
}

/** Releases what is held because a run after it was unusual. undefined if it is not held so. */
export async function releaseArchive(world: StoreWorld, name: string): Promise<BackupInfo | undefined> {
  const release = (manifest: Manifest) => {
    const holds = manifest.holds.filter((reason) => !isUnusualHold(reason))
    return holds.length < manifest.holds.length ? { ...manifest, holds } : null
  }
  return describeWritten(await changeManifest(world, { server: world.identity.ip, name }, release))
}

function describeWritten(manifest: Manifest | undefined): BackupInfo | undefined {
  if (!manifest) return undefined
  const { server: namespace, name, size } = manifest
  return makeManifestInfo(manifest, { namespace, name, size })
}

/**
 * Changes a manifest of the own namespace. Returns what was written: undefined if there is no readable manifest, or if `change`
 * returned null.
 * @param change called under the lock of the namespace; it may throw
 */
export async function changeManifest(
  world: StoreWorld,
  { server, name }: Named,
  change: (manifest: Manifest) => Manifest | null | Promise<Manifest | null>,
): Promise<Manifest | undefined> {
  if (server !== world.identity.ip) return undefined
  return exclusively(world, async () => {
    await assertOwner(world)
    const read = await readManifest(world.driver, server, name)
    const manifest = read?.manifest && (await change(read.manifest))
    if (!manifest) return undefined
    const text = manifestText(manifest, read.changed)
    await world.driver.replace(makePieceKey(server, name, 'manifest'), text)
    return manifest
  })
}
