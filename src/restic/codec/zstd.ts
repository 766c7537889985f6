import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** restic's level "auto". */
export const COMPRESSION_LEVEL = 3
/** The output buffer holds the whole output, if possible, so that nothing is copied. */
const SLACK_BYTES = 1024
const MAX_OUTPUT_BUFFER_BYTES = 16 << 20

export function compress(plain: Buffer): Buffer {
  return zstdCompressSync(plain, optionsFor(plain))
}

function optionsFor({ length }: Buffer): ZstdOptions {
  return {
    chunkSize: outputBufferBytes(length),
    params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL },
  }
}

/** To compress a shorter text takes less time than to hand it to a thread. */
const MIN_POOLED_BYTES = 16 * 1024
const MAX_POOLED = 4
let pooled = 0

/** Like compress(), in a thread of Node's pool. If MAX_POOLED texts are there already, compresses in this thread. */
export async function compressInPool(plain: Buffer): Promise<Buffer> {
  if (plain.length < MIN_POOLED_BYTES || pooled >= MAX_POOLED) return compress(plain)
  pooled++
  try {
    return await zstdCompressAsync(plain, optionsFor(plain))
  } finally {
    pooled--
  }
}

const zstdCompressAsync = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)

/** Decompresses to exactly `plainLength` bytes. Throws if the text is longer or shorter; never allocates more. */
export function decompress(packed: Buffer, plainLength: number): Buffer {
  const plain = zstdDecompressSync(packed, {
    chunkSize: outputBufferBytes(plainLength),
    maxOutputLength: Math.max(plainLength, 1),
  })
  if (plain.length !== plainLength)
    throw new RangeError(`decompresses to ${plain.length} bytes, expected ${plainLength}`)
  return plain
}

function outputBufferBytes(length: number): number {
  return Math.min(length + SLACK_BYTES, MAX_OUTPUT_BUFFER_BYTES)
}
