import { type BackupdError, hasCode } from '../../lib/errors.ts'
import type { PackWriter, Repository } from '../repository/repository.ts'
import type { UsedBlobs } from './used-blobs.ts'

export interface Moved {
  /** Moved pack → its used index entries. Packs with a damaged blob are not in it. */
  packs: Map<number, number[]>
  /** Pack that could not be moved → the error. */
  damaged: Map<number, BackupdError>
}

/**
 * Copies the used blobs of `packs` into new packs; each blob is checked, but not sealed again. A pack with a damaged blob
 * is left as it is, so that its intact blobs are not lost. Throws the signal's reason.
 */
export async function moveBlobs(
  repository: Repository,
  used: UsedBlobs,
  { packs, writer, signal }: { packs: ReadonlySet<number>; writer: PackWriter; signal: AbortSignal },
): Promise<Moved> {
  const moved: Moved = { packs: listUsedEntries(used, packs), damaged: new Map() }
  for (const [pack, entries] of moved.packs) {
    signal.throwIfAborted()
    try {
      for (const entry of entries) await copyBlob(repository, used, { entry, writer })
    } catch (error) {
      if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
      moved.damaged.set(pack, error)
      moved.packs.delete(pack)
    }
  }
  return moved
}

/** The used entries of each pack, sorted by offset. */
function listUsedEntries(used: UsedBlobs, packs: ReadonlySet<number>): Map<number, number[]> {
  const { index } = used
  const entries = new Map(Array.from(packs, (pack): [number, number[]] => [pack, []]))
  for (let entry = 0; entry < index.size; entry++) {
    if (used.isUsed(entry)) entries.get(index.packOf(entry))?.push(entry)
  }
  for (const list of entries.values()) list.sort((a, b) => index.entryAt(a).offset - index.entryAt(b).offset)
  return entries
}

async function copyBlob(
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
