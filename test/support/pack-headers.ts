import { SEAL_OVERHEAD, unseal } from '../../src/restic/codec/crypt.ts'
import type { IndexRow } from '../../src/restic/repository/index-row.ts'
import { packName } from '../../src/restic/repository/layout.ts'
import { LENGTH_FIELD_BYTES } from '../../src/restic/repository/pack-header.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'

const ID_LENGTH = 32
const PLAIN_ENTRY_BYTES = 1 + 4 + ID_LENGTH

/** Reads the blobs of a pack from its header; the program itself only reads the index. */
export async function readPackHeader(
  { place, key }: Pick<Repository, 'place' | 'key'>,
  pack: string,
): Promise<IndexRow[]> {
  await using reader = await place.driver.open(packName(place, pack))
  const end = reader.size - LENGTH_FIELD_BYTES
  const length = (await reader.read(end, LENGTH_FIELD_BYTES)).readUInt32LE(0)
  const header = unseal(key, await reader.read(end - length, length))
  if (!header) throw new Error(`The checksum of the header of ${pack} is wrong`)
  return parseHeader(header)
}

/** Throws if it is not a header. */
export function parseHeader(header: Buffer): IndexRow[] {
  const rows: IndexRow[] = []
  let offset = 0
  for (let at = 0; at < header.length; ) {
    const kind = header.readUInt8(at)
    if (kind > 3) throw new RangeError(`its header has a blob of the unknown type ${kind}`)
    const compressed = kind >= 2
    const next = at + (compressed ? PLAIN_ENTRY_BYTES + 4 : PLAIN_ENTRY_BYTES)
    if (next > header.length) throw new RangeError('its header ends in the middle of a blob')
    const length = header.readUInt32LE(at + 1)
    const plainLength = compressed ? header.readUInt32LE(at + 5) : length - SEAL_OVERHEAD
    const id = Buffer.from(header.subarray(next - ID_LENGTH, next))
    rows.push({ type: kind & 1 ? 'tree' : 'data', id, offset, length, plainLength, compressed })
    offset += length
    at = next
  }
  return rows
}
