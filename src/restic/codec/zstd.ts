import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** The level that restic calls automatic. */
export const LEVEL = 3
/** With room for all of the output at once nothing is copied together, and nothing is left over. */
const SLACK = 1024
const LARGEST_ROOM = 16 << 20

export function compress(plain: Buffer): Buffer {
  return zstdCompressSync(plain, optionsFor(plain))
}

function optionsFor({ length }: Buffer): ZstdOptions {
  return { chunkSize: roomFor(length), params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }
}

/** Shorter texts are compressed in less time than it takes to hand them to a thread. */
const WORTH_A_THREAD = 16 * 1024
const MAX_ASIDE = 4
let aside = 0

/** As compress(), in a thread of Node's pool; at once while some of them are busy so, so that texts do not pile up. */
export async function compressAside(plain: Buffer): Promise<Buffer> {
  if (plain.length < WORTH_A_THREAD || aside >= MAX_ASIDE) return compress(plain)
  aside++
  try {
    return await compressed(plain, optionsFor(plain))
  } finally {
    aside--
  }
}

const compressed = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)

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
