import type { IndexRow } from './index-row.ts'

/** Bytes. The length of the sealed header is at the very end of the pack. */
export const LENGTH_FIELD_BYTES = 4

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
