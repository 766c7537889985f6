import { messageOf } from '../../lib/errors.ts'
import { unseal } from '../codec/crypt.ts'
import type { IndexRow } from './index-row.ts'
import { packName } from './layout.ts'
import { findHeaderStart, LENGTH_FIELD_BYTES, parseHeader } from './pack-header.ts'
import type { Repository } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'

/** Reads the blobs of a pack from its header. Throws REPOSITORY_DAMAGED. */
export async function readPackHeader(
  { place, key }: Pick<Repository, 'place' | 'key'>,
  pack: string,
): Promise<IndexRow[]> {
  const name = packName(place, pack)
  await using reader = await place.driver.open(name)
  try {
    const end = reader.size - LENGTH_FIELD_BYTES
    if (end < 0) throw new RangeError(`it has ${reader.size} bytes, too few for a pack`)
    const start = findHeaderStart(reader.size, await reader.read(end, LENGTH_FIELD_BYTES))
    const header = unseal(key, await reader.read(start, end - start))
    if (!header) throw new RangeError("its header's checksum is wrong")
    return parseHeader(header)
  } catch (cause) {
    if (cause instanceof RangeError) throw repositoryDamaged(name, messageOf(cause), cause)
    throw cause
  }
}
