import { BackupdError } from '../../lib/errors.ts'
import type { PackWriter, Repository } from '../repository/repository.ts'
import type { UsedBlobs } from './used-blobs.ts'

export interface Moved {
  /** Entries of the index that were used, by pack; packs that could not be read whole are not in it. */
  packs: Map<number, number[]>
  /** What could not be read, by pack. */
  damaged: Map<number, BackupdError>
}

/**
 * Copies what is used of `packs` into new ones, each blob checked on the way and left sealed as it is. A pack with a
 * damaged blob stays as it is: what of it can still be read is not to be lost with it. Throws the signal's reason.
 */
export async function moveBlobs(
  repository: Repository,
  used: UsedBlobs,
  { packs, writer, signal }: { packs: ReadonlySet<number>; writer: PackWriter; signal: AbortSignal },
): Promise<Moved> {
  const moved: Moved = { packs: usedEntries(used, packs), damaged: new Map() }
  for (const [pack, entries] of moved.packs) {
    signal.throwIfAborted()
    try {
      for (const entry of entries) await copy(repository, used, { entry, writer })
    } catch (error) {
      if (!(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') throw error
      moved.damaged.set(pack, error)
      moved.packs.delete(pack)
    }
  }
  return moved
}

/** In the order in which they lie in their pack. */
function usedEntries(used: UsedBlobs, packs: ReadonlySet<number>): Map<number, number[]> {
  const { index } = used
  const entries = new Map(Array.from(packs, (pack): [number, number[]] => [pack, []]))
  for (let entry = 0; entry < index.size; entry++) {
    if (used.isUsed(entry)) entries.get(index.packOf(entry))?.push(entry)
  }
  for (const list of entries.values()) list.sort((a, b) => index.entryAt(a).offset - index.entryAt(b).offset)
  return entries
}

async function copy(
  repository: Repository,
  { index }: UsedBlobs,
  { entry, writer }: { entry: number; writer: PackWriter },
): Promise<void> {
  const { isTree } = index.entryAt(entry)
  const id = index.idAt(entry)
  const place = index.placeAt(entry)
  const sealed = await repository.readSealed(isTree ? 'tree' : 'data', id, place)
  await writer.add({ type: isTree ? 'tree' : 'data', id, sealed, ...place })
}
