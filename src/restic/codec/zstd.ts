import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

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
