import { SEAL_OVERHEAD } from '../codec/crypt.ts'
import type { IndexRow } from './index-row.ts'

const ID_LENGTH = 32
const PLAIN_ENTRY_BYTES = 1 + 4 + ID_LENGTH
const COMPRESSED_ENTRY_BYTES = PLAIN_ENTRY_BYTES + 4
/** Bytes. The length of the sealed header is at the very end of the pack. */
export const LENGTH_FIELD_BYTES = 4
const MAX_HEADER_BYTES = 16 * 1024 * 1024

/** Encodes a pack's header, not sealed yet: type, lengths and id of each blob, in the order of the pack. */
export function encodeHeader(rows: readonly IndexRow[]): Buffer {
  return Buffer.concat(rows.map(encodeEntry))
}

function encodeEntry({ type, id, length, plainLength, compressed }: IndexRow): Buffer {
  const head = Buffer.alloc(compressed ? 9 : 5)
  head[0] = (type === 'tree' ? 1 : 0) + (compressed ? 2 : 0)
  head.writeUInt32LE(length, 1)
  if (compressed) head.writeUInt32LE(plainLength, 5)
  return Buffer.concat([head, id])
}

/** Throws a RangeError if it is not a header. */
export function parseHeader(header: Buffer): IndexRow[] {
  const rows: IndexRow[] = []
  let offset = 0
  for (let at = 0; at < header.length; ) {
    const kind = header.readUInt8(at)
    if (kind > 3) throw new RangeError(`its header has a blob of the unknown type ${kind}`)
    const compressed = kind >= 2
    const next = at + (compressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES)
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

/** The offset of the sealed header in a pack of `packSize` bytes. Throws a RangeError if it is impossible. */
export function findHeaderStart(packSize: number, lengthField: Buffer): number {
  const length = lengthField.readUInt32LE(0)
  const start = packSize - LENGTH_FIELD_BYTES - length
  if (length < SEAL_OVERHEAD || length > MAX_HEADER_BYTES || start < 0) {
    throw new RangeError(`its header cannot have ${length} bytes in a pack of ${packSize} bytes`)
  }
  return start
}
