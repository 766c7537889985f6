import { isSystemError, messageOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../held-volume.ts'
import { cleanUp } from './clean-up.ts'
import { openFolder, streamNames } from './folder.ts'
import { dropReplaced, noteReplaced } from './keep-replaced.ts'
import type { KeptNote } from './kept-note.ts'
import { moveBack, moveListed, type SwapContext } from './moves.ts'
import { type KeepTime, type Pointer, savePointer } from './pointer.ts'
import { protectListed } from './protected-list.ts'
import { emptyFolder } from './remove-tree.ts'
import { applyRoot, readRoot } from './root-metadata.ts'
import { isInside } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'
import type { Checkpoint } from './swap-options.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/** A swap or copy that must be finished, back or forward. */
export interface UnfinishedSwap {
  dataDir: string
  pointer: Pointer
  volume: HeldVolume
  warn(message: string): void
  checkpoint?: ((at: Checkpoint) => void) | undefined
  onKept?: ((note: KeptNote) => void) | undefined
}

/**
 * After the journal's commit mark: moves the rest in place and removes the old content, or keeps it. May be repeated after a
 * crash.
 */
export async function rollForward(unfinished: UnfinishedSwap, swap: SwapContext): Promise<void> {
  const { fresh, volume, old, late, staging } = swap.folders
  await moveListed(swap, { side: 'new', from: fresh, to: volume })
  await syncFilesystem(volume)
  const protecting = { staging, top: volume, warn: (message: string) => unfinished.warn(message) }
  if (await protectListed(protecting)) await syncFilesystem(volume)
  const { keep } = unfinished.pointer
  if (keep) return await keepOld(unfinished, swap, keep)
  try {
    for (const folder of [old, late]) await emptyFolder(folder)
  } catch (error) {
    unfinished.warn(
      `${unfinished.pointer.staging}: the old content could not be removed (${messageOf(error)}); remove it by hand`,
    )
  }
  unfinished.checkpoint?.('emptied')
  await finish(unfinished, swap)
}

async function keepOld(
  unfinished: UnfinishedSwap,
  { folders, header }: SwapContext,
  keep: KeepTime,
): Promise<void> {
  const { dataDir, volume, pointer } = unfinished
  const warn = (message: string) => unfinished.warn(message)
  let [note, done]: [KeptNote | undefined, Pointer] = [undefined, pointer]
  try {
    note = await noteReplaced({ dataDir, pointer, folders, header, warn }, keep)
    unfinished.checkpoint?.('kept')
    done = await markDone(unfinished, folders)
  } catch (error) {
    if (!isSystemError(error)) throw error
    warn(notNoted(pointer.staging, error))
  }
  if (!note) return
  unfinished.onKept?.(note)
  if (done.phase !== 'done') return
  await cleanUp(dataDir, done, volume)
  await dropReplaced(dataDir, note, { volume, warn })
}

/** The volume is complete, so it is not locked. The pointer stays, by which the next run on the volume tries again. */
function notNoted(staging: string, error: unknown): string {
  const why = `the data directory cannot be written (${messageOf(error)})`
  return `"${staging}" has what was replaced, but it cannot be put back yet: ${why}. The next run on the volume tries again`
}

/** Before the commit mark: moves everything back where it was, by inode. May be repeated after a crash. */
export async function rollBack(unfinished: UnfinishedSwap, swap: SwapContext): Promise<void> {
  const { fresh, volume, old } = swap.folders
  await moveListed(swap, { side: 'new', from: volume, to: fresh })
  await moveListed(swap, { side: 'old', from: old, to: volume })
  for (const name of await moveBackRest(swap)) {
    unfinished.warn(
      `${name}: appeared in the volume during the swap under a name that is in use; kept in "${unfinished.pointer.staging}"`,
    )
  }
  await applyRoot(volume, swap.header.before, (refused) =>
    unfinished.warn(`${swap.header.volume}: ${refused}`),
  )
  await syncFilesystem(volume)
  const { keep: _, ...pointer } = unfinished.pointer
  await finish({ ...unfinished, pointer }, swap)
}

/** Moves entries back that appeared during the swap and were set aside. Returns the names that could not be moved. */
async function moveBackRest(swap: SwapContext): Promise<string[]> {
  const { late, old } = swap.folders
  const stayed: string[] = []
  for await (const round of streamNames(late)) {
    await using folder = await openFolder(late.at(round))
    stayed.push(...(await moveBack(swap, folder)))
  }
  stayed.push(...(await moveBack(swap, old)))
  return stayed
}

async function finish(unfinished: UnfinishedSwap, { folders }: Pick<SwapContext, 'folders'>): Promise<void> {
  await cleanUp(unfinished.dataDir, await markDone(unfinished, folders), unfinished.volume)
}

/** Marks the volume as settled in the pointer; only the cleanup remains. */
export async function markDone(
  { dataDir, pointer, checkpoint }: UnfinishedSwap,
  { volume }: Pick<SwapFolders, 'volume'>,
): Promise<Pointer> {
  const mtimeNs = isInside(pointer.staging, pointer.volume) ? readRoot(volume).mtimeNs : null
  const done: Pointer = { ...pointer, phase: 'done', mtimeNs }
  await savePointer(dataDir, done)
  checkpoint?.('done')
  return done
}
