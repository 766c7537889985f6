import { messageOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../held-volume.ts'
import { cleanUp } from './clean-up.ts'
import { namesIn, openFolder } from './folder.ts'
import { type Moving, moveBack, moveListed } from './moves.ts'
import { type Pointer, savePointer } from './pointer.ts'
import { protectListed } from './protected-list.ts'
import { emptyFolder } from './remove-tree.ts'
import { applyRoot, readRoot } from './root-metadata.ts'
import { isInside } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'
import type { Checkpoint } from './swap-options.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/** A swap or copy that must be finished, back or forward. */
export interface Ending {
  dataDir: string
  pointer: Pointer
  volume: HeldVolume
  warn(message: string): void
  checkpoint?: ((at: Checkpoint) => void) | undefined
}

/**
 * After the journal's commit mark: moves the rest in place and removes the old content. May be repeated after a
 * crash.
 */
export async function rollForward(ending: Ending, moving: Moving): Promise<void> {
  const { fresh, volume, old, late, staging } = moving.folders
  await moveListed(moving, { side: 'new', from: fresh, to: volume })
  await syncFilesystem(volume)
  const protecting = { staging, top: volume, warn: (message: string) => ending.warn(message) }
  if (await protectListed(protecting)) await syncFilesystem(volume)
  try {
    for (const folder of [old, late]) await emptyFolder(folder)
  } catch (error) {
    ending.warn(
      `${ending.pointer.staging}: the old content could not be removed (${messageOf(error)}); remove it by hand`,
    )
  }
  ending.checkpoint?.('emptied')
  await finish(ending, moving)
}

/** Before the commit mark: moves everything back where it was, by inode. May be repeated after a crash. */
export async function rollBack(ending: Ending, moving: Moving): Promise<void> {
  const { fresh, volume, old } = moving.folders
  await moveListed(moving, { side: 'new', from: volume, to: fresh })
  await moveListed(moving, { side: 'old', from: old, to: volume })
  for (const name of await moveBackRest(moving)) {
    ending.warn(
      `${name}: appeared in the volume during the swap under a name that is in use; kept in "${ending.pointer.staging}"`,
    )
  }
  await applyRoot(volume, moving.header.before, (refused) =>
    ending.warn(`${moving.header.volume}: ${refused}`),
  )
  await syncFilesystem(volume)
  await finish(ending, moving)
}

/** Moves entries back that appeared during the swap and were set aside. Returns the names that could not be moved. */
async function moveBackRest(moving: Moving): Promise<string[]> {
  const { late, old } = moving.folders
  const stayed: string[] = []
  for await (const round of namesIn(late)) {
    await using folder = await openFolder(late.at(round))
    stayed.push(...(await moveBack(moving, folder)))
  }
  stayed.push(...(await moveBack(moving, old)))
  return stayed
}

async function finish(ending: Ending, { folders }: Pick<Moving, 'folders'>): Promise<void> {
  await cleanUp(ending.dataDir, await markDone(ending, folders), ending.volume)
}

/** Marks the volume as settled in the pointer; only the cleanup remains. */
export async function markDone(
  { dataDir, pointer, checkpoint }: Ending,
  { volume }: Pick<SwapFolders, 'volume'>,
): Promise<Pointer> {
  const mtimeNs = isInside(pointer.staging, pointer.volume) ? readRoot(volume).mtimeNs : null
  const done: Pointer = { ...pointer, phase: 'done', mtimeNs }
  await savePointer(dataDir, done)
  checkpoint?.('done')
  return done
}
