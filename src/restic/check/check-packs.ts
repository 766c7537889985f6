// Verifies a repository: check-packs.ts reads every pack and compares its hash with its name; touched-files.ts then
// finds the files and snapshots that lost blobs belong to. The store's verification of series uses it. It repairs
// nothing: packs that it reports are put on the repository's list of distrusted packs by the caller.

import { createHash } from 'node:crypto'
import { hasCode } from '../../lib/errors.ts'
import type { BlobType } from '../repository/blob-place.ts'
import { packName } from '../repository/layout.ts'
import type { Repository } from '../repository/repository.ts'

const READ_BYTES = 4 * 1024 * 1024

/** A blob without an intact copy in any pack. */
export interface LostBlob {
  type: BlobType
  id: Buffer
}

export interface DamagedPack {
  pack: string
  reason: string
  /** Its blobs that have no intact copy elsewhere. */
  lost: LostBlob[]
}

export interface CheckOptions {
  signal: AbortSignal
  onProgress?(progress: { packs: number; bytes: number }): void
}

/** Reads every pack in the index, and yields the damaged ones. */
export async function* checkPacks(
  repository: Repository,
  { signal, onProgress }: CheckOptions,
): AsyncGenerator<DamagedPack> {
  const index = await repository.loadIndex()
  const progress = { packs: 0, bytes: 0 }
  for (let number = 0; number < index.packCount; number++) {
    signal.throwIfAborted()
    if (index.isGone(number)) continue
    const pack = index.packId(number)
    const { reason, bytes } = await readPack(repository, pack)
    progress.packs += 1
    progress.bytes += bytes
    onProgress?.({ ...progress })
    if (reason !== undefined) yield { pack, reason, lost: await findLost(repository, number) }
  }
}

/** Compares the pack's hash with its name. */
async function readPack(
  { place }: Repository,
  pack: string,
): Promise<{ reason: string | undefined; bytes: number }> {
  try {
    await using reader = await place.driver.open(packName(place, pack))
    const hash = createHash('sha256')
    for (let at = 0; at < reader.size; at += READ_BYTES) hash.update(await reader.read(at, READ_BYTES))
    const isWhole = hash.digest('hex') === pack
    return { reason: isWhole ? undefined : 'its content does not match its name', bytes: reader.size }
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    return { reason: 'it does not exist in the store', bytes: 0 }
  }
}

async function findLost(repository: Repository, pack: number): Promise<LostBlob[]> {
  const index = await repository.loadIndex()
  const lost: LostBlob[] = []
  for (let entry = 0; entry < index.size; entry++) {
    if (index.packOf(entry) !== pack) continue
    const blob = { type: index.entryAt(entry).isTree ? 'tree' : 'data', id: index.idAt(entry) } as const
    if (!(await isReadable(repository, blob))) lost.push(blob)
  }
  return lost
}

async function isReadable(repository: Repository, { type, id }: LostBlob): Promise<boolean> {
  try {
    await repository.readBlob(type, id)
    return true
  } catch (error) {
    if (hasCode(error, 'SNAPSHOT_CORRUPT')) return false
    throw error
  }
}
