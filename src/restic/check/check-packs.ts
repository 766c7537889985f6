// Verifies a repository: collect-packs.ts reads the trees of snapshots and finds the packs that they need;
// check-packs.ts reads packs and compares their hashes with their names; touched-files.ts then finds the files and
// snapshots that lost blobs belong to. The store's verification of series uses it. It repairs nothing: packs that it
// reports are put on the repository's list of distrusted packs by the caller.

import { createHash } from 'node:crypto'
import { type BackupdError, hasCode } from '../../lib/errors.ts'
import { release } from '../../lib/release.ts'
import type { ObjectReader } from '../../objects/driver.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { BlobType } from '../repository/blob-place.ts'
import { packName } from '../repository/layout.ts'
import type { Repository } from '../repository/repository.ts'

const READ_BYTES = 4 * 1024 * 1024

/** A blob without an intact copy in any pack. */
export interface LostBlob {
  type: BlobType
  id: Buffer
}

/** What reading one pack found. */
export type CheckedPack =
  | { pack: string; state: 'intact'; bytes: number }
  /** `lost`: its blobs that have no intact copy elsewhere. */
  | { pack: string; state: 'damaged'; bytes: number; reason: string; lost: LostBlob[] }
  | { pack: string; state: 'unreadable'; bytes: 0; error: BackupdError }

export interface CheckOptions {
  signal: AbortSignal
  /** Called after each piece. */
  onBytes?(bytes: number): void
}

/**
 * Reads these packs, given by their numbers in the index. A pack is damaged if two reads say so. One that cannot be read
 * does not end the check, unless the store itself does not work.
 */
export async function* checkPacks(
  repository: Repository,
  packs: Iterable<number>,
  options: CheckOptions,
): AsyncGenerator<CheckedPack> {
  const index = await repository.loadIndex()
  for (const number of packs) {
    options.signal.throwIfAborted()
    if (!index.isGone(number)) yield await checkPack(repository, number, options)
  }
}

async function checkPack(
  repository: Repository,
  number: number,
  options: CheckOptions,
): Promise<CheckedPack> {
  const pack = (await repository.loadIndex()).packId(number)
  try {
    const first = await readPack(repository, pack, options)
    const { reason, bytes } = first.reason === undefined ? first : await readPack(repository, pack, options)
    if (reason === undefined) return { pack, state: 'intact', bytes }
    return { pack, state: 'damaged', bytes, reason, lost: await findLost(repository, number) }
  } catch (error) {
    if (!isUnreadable(error)) throw error
    await repository.place.driver.check()
    return { pack, state: 'unreadable', bytes: 0, error }
  }
}

/** Compares the pack's hash with its name. */
async function readPack(
  { place }: Repository,
  pack: string,
  options: CheckOptions,
): Promise<{ reason: string | undefined; bytes: number }> {
  try {
    await using reader = await place.driver.open(packName(place, pack))
    const isWhole = (await hashObject(reader, options)) === pack
    return { reason: isWhole ? undefined : 'its content does not match its name', bytes: reader.size }
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    return { reason: 'it does not exist in the store', bytes: 0 }
  }
}

/** Reads one piece ahead, so that the store works while the piece before is hashed. */
async function hashObject(reader: ObjectReader, { signal, onBytes }: CheckOptions): Promise<string> {
  const hash = createHash('sha256')
  const readAt = (at: number) => (at < reader.size ? reader.read(at, READ_BYTES) : undefined)
  let next = readAt(0)
  for (let at = 0; next; ) {
    const piece = await next
    if (piece.length === 0) break
    at += piece.length
    next = readAt(at)
    next?.catch(() => {})
    hash.update(piece)
    onBytes?.(piece.length)
    release(piece)
    if (signal.aborted) await next?.catch(() => {})
    signal.throwIfAborted()
  }
  return hash.digest('hex')
}

async function findLost(repository: Repository, pack: number): Promise<LostBlob[]> {
  const index = await repository.loadIndex()
  const lost: LostBlob[] = []
  for (let entry = 0; entry < index.size; entry++) {
    if (index.packOf(entry) !== pack) continue
    const blob = { type: index.entryAt(entry).isTree ? 'tree' : 'data', id: index.idAt(entry) } as const
    if (!(await isReadable(repository, index, blob))) lost.push(blob)
  }
  return lost
}

/** Reads the store only: a copy in the cache of this machine does not make up for a lost blob. */
async function isReadable(
  repository: Repository,
  index: BlobIndex,
  { type, id }: LostBlob,
): Promise<boolean> {
  for (const entry of index.copies(type, id)) {
    try {
      await repository.readSealed(type, id, index.placeAt(entry))
      return true
    } catch (error) {
      if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
    }
  }
  return false
}

/** Whether the store could not read an object, which says nothing about its content. */
export function isUnreadable(error: unknown): error is BackupdError {
  return hasCode(error, 'STORE_UNAVAILABLE')
}
