import type { ObjectReader } from '../../objects/driver.ts'
import { packName } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'

/** A pack has about 16 MiB, and one more blob. */
const MAX_CACHED_BYTES = 64 * 1024 * 1024
const PIECE_BYTES = 8 * 1024 * 1024

/**
 * Opens a pack of trees. If the store is slow to ask, the whole pack is copied to the cache first: of a snapshot, nearly
 * all trees are read, in an order that is not that of the pack. Throws NOT_FOUND.
 */
export async function openTreePack(place: RepositoryPlace, pack: string): Promise<ObjectReader> {
  const { driver } = place
  const known = await driver.cache?.open(pack)
  if (known) return known
  const stored = await driver.open(packName(place, pack))
  if (!driver.cache || stored.size > MAX_CACHED_BYTES) return stored
  try {
    await driver.cache.put(pack, readPieces(stored))
  } catch (error) {
    await stored.close()
    throw error
  }
  const copy = await driver.cache.open(pack)
  if (copy) await stored.close()
  return copy ?? stored
}

async function* readPieces(reader: ObjectReader): AsyncGenerator<Buffer> {
  for (let at = 0; at < reader.size; at += PIECE_BYTES) yield await reader.read(at, PIECE_BYTES)
}
