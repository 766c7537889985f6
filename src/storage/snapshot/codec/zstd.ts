import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** The level that restic calls automatic. */
const LEVEL = 3
/** With room for all of the output at once nothing is copied together, and nothing is left over. */
const SLACK = 1024
const LARGEST_ROOM = 16 << 20

export function compress(plain: Buffer): Buffer {
  return zstdCompressSync(plain, {
    chunkSize: roomFor(plain.length),
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  })
}

/** What was packed, known to be `plainLength` bytes; throws where it is not, and never makes more of it. */
export function decompress(packed: Buffer, plainLength: number): Buffer {
  const plain = zstdDecompressSync(packed, {
    chunkSize: roomFor(plainLength),
    maxOutputLength: Math.max(plainLength, 1),
  })
  if (plain.length !== plainLength)
    throw new RangeError(`unpacks to ${plain.length} bytes, expected ${plainLength}`)
  return plain
}

function roomFor(length: number): number {
  return Math.min(length + SLACK, LARGEST_ROOM)
}
