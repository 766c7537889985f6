import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** The level that restic calls automatic. */
const LEVEL = 3
/** What comes out is put together of pieces: one, where it fits. Node makes room for 16 KiB whatever comes. */
const SMALLEST_PIECE = 1024
const LARGEST_PIECE = 16 * 1024 * 1024

/** With room for all of the output at once nothing is copied together. */
const SLACK = 64
const LARGEST_CHUNK = 16 << 20

export function compress(plain: Buffer): Buffer {
  return zstdCompressSync(plain, {
    chunkSize: pieceFor(plain.length),
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  })
}

/** What was packed, known to be `plainLength` bytes; throws where it is not, and never makes more of it. */
export function decompress(packed: Buffer, plainLength: number): Buffer {
  const plain = zstdDecompressSync(packed, {
    maxOutputLength: Math.max(plainLength, 1),
    chunkSize: Math.min(plainLength + SLACK, LARGEST_CHUNK),
  })
  if (plain.length !== plainLength)
    throw new RangeError(`unpacks to ${plain.length} bytes, expected ${plainLength}`)
  return plain
}

/** Where the length is not known. Throws a RangeError where it would be over `limit` bytes. */
export function decompressUpTo(packed: Buffer, limit: number): Buffer {
  return zstdDecompressSync(packed, { chunkSize: pieceFor(limit), maxOutputLength: Math.max(limit, 1) })
}

function pieceFor(length: number): number {
  return Math.min(length + SMALLEST_PIECE, LARGEST_PIECE)
}
