// The last step of a recover: replaces a volume's content with what was unpacked into a staging folder, safe against
// crashes. How, in order of preference:
//   swap.ts           renames the children one by one, by a journal that a crash rolls back or forward
//   put-in-place.ts   renames only chosen files into the volume, and keeps the rest
//   copy-in-place.ts  deletes the old content and copies the new, for file systems that refuse renames; no way back
// staging.ts prepares it, settle.ts finishes what a crash interrupted. The recover plugin and the daemon's start use
// it. It must treat the volume as hostile (follow no links), and knows nothing of backups or stores.

import { BackupdError, messageOf } from '../../lib/errors.ts'
import { beginSwap, toSwapPointer } from './begin-swap.ts'
import { collectInodes } from './inode-set.ts'
import { commitJournal, readChildren, readJournal, uncommitJournal } from './journal.ts'
import { moveListed, type SwapContext, setAsideUnknown } from './moves.ts'
import { placeNewVolume } from './place-new-volume.ts'
import { rollBack, rollForward } from './roll.ts'
import { applyRoot } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { openSwapFolders } from './swap-folders.ts'
import type { SwapOptions } from './swap-options.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/**
 * Replaces the content of the volume with what was unpacked; the volume itself stays the same directory. If this
 * throws, the volume is as it was before.
 * @throws VOLUME_LOCKED if the swap failed and could not be undone: the journal is kept for settleJournals
 */
export async function swapIn(staging: Staging, options: SwapOptions): Promise<void> {
  if (staging.pointer.inode === null) await placeNewVolume(staging, options)
  else await swapContent(staging, options)
}

async function swapContent(staging: Staging, options: SwapOptions): Promise<void> {
  const { warn, signal, checkpoint } = options
  await using folders = await openSwapFolders(staging.pointer, staging.volume)
  const header = await beginSwap(staging, folders, options)
  const pointer = toSwapPointer(staging.pointer, options.keep)
  const begun = { ...staging, pointer }
  checkpoint?.('journal written')
  const appeared: string[] = []
  const moved = () => {
    checkpoint?.('moved')
    signal.throwIfAborted()
  }
  const swap: SwapContext = { folders, header, moved, appeared: (name) => void appeared.push(name) }
  // Rolling back or forward is not cancelled by the signal.
  const undoing: SwapContext = { ...swap, moved: () => {} }
  try {
    await replaceChildren(swap, options)
    await commitJournal(folders.staging)
  } catch (error) {
    await undo(begun, undoing, { error, warn })
    throw error
  }
  checkpoint?.('committed')
  for (const name of appeared)
    warn(
      `${name}: appeared in the volume during the swap, and was ${pointer.keep ? 'kept' : 'removed'} with the old content`,
    )
  const { onKept } = options
  await rollForward({ ...begun, warn, checkpoint, onKept }, undoing).catch((error: unknown) => {
    const path = staging.pointer.staging
    warn(`${path}: could not be cleaned up (${messageOf(error)}); the next run on the volume tries again`)
  })
}

async function replaceChildren(
  swap: SwapContext,
  { signal, checkpoint, onRefused }: SwapOptions,
): Promise<void> {
  const { volume, staging, fresh, old } = swap.folders
  await moveListed(swap, { side: 'old', from: volume, to: old })
  await setAsideUnknown(swap, () => false)
  checkpoint?.('moved out')
  signal.throwIfAborted()
  await moveListed(swap, { side: 'new', from: fresh, to: volume })
  await setAsideUnknown(swap, (await collectInodes(readChildren(staging, 'new'))).has)
  checkpoint?.('moved in')
  await applyRoot(volume, swap.header.after, onRefused)
  await syncFilesystem(volume)
  signal.throwIfAborted()
  checkpoint?.('in place')
}

interface Failure {
  error: unknown
  warn(message: string): void
}

async function undo(staging: Staging, swap: SwapContext, { error, warn }: Failure): Promise<void> {
  const { staging: path, volume } = staging.pointer
  try {
    await uncommitJournal(swap.folders.staging, await readJournal(swap.folders.staging))
    await rollBack({ ...staging, warn }, swap)
  } catch (cause) {
    const why = `${messageOf(error)}; and "${volume}" could not be put back: ${messageOf(cause)}`
    throw new BackupdError('VOLUME_LOCKED', `${why}. Restart the daemon to settle it, see "${path}"`, {
      facts: { journal: path },
      cause: error,
    })
  }
}
