import type { Repository } from '../repository/repository.ts'
import { type Moved, moveBlobs } from './move-blobs.ts'
import type { PackUse } from './pack-use.ts'
import type { UsedBlobs } from './used-blobs.ts'

export interface SliceTask {
  victims: readonly PackUse[]
  signal: AbortSignal
  /** Throws if the exclusive lock is not held any more. */
  assertHeld(): Promise<void>
}

export interface SliceResult {
  packsRemoved: number
  /** Sealed bytes copied into new packs. */
  bytesMoved: number
  /** Unneeded bytes that were removed. */
  bytesFreed: number
  damaged: Moved['damaged']
}

/**
 * Removes some packs. Copies their used blobs to new packs and indexes these, then drops the old packs from the index,
 * and deletes them last. After an interruption nothing is lost, and leftovers are unused.
 */
export async function pruneSlice(
  repository: Repository,
  used: UsedBlobs,
  { victims, signal, assertHeld }: SliceTask,
): Promise<SliceResult> {
  const writer = repository.beginPacks({ storeAgain: true, assertHeld })
  let moved: Moved
  try {
    const packs = new Set(victims.map(({ pack }) => pack))
    moved = await moveBlobs(repository, used, { packs, writer, signal })
    await writer.finish()
  } catch (error) {
    await writer.abandon()
    throw error
  }
  await assertHeld()
  for (const [pack, entries] of moved.packs) used.markDead(pack, entries)
  const gone = victims.filter(({ pack }) => moved.packs.has(pack))
  const names = gone.map(({ pack }) => used.index.packId(pack))
  if (names.length > 0) await repository.dropFromIndex(new Set(names))
  for (const name of names) await repository.removePack(name)
  return {
    packsRemoved: gone.length,
    bytesMoved: gone.reduce((sum, use) => sum + use.usedBytes, 0),
    bytesFreed: gone.reduce((sum, use) => sum + use.unusedBytes, 0),
    damaged: moved.damaged,
  }
}
