import type { Transform } from 'node:stream'
import { createDeflateRaw, createGzip, type ZlibOptions } from 'node:zlib'
import { release } from '../lib/release.ts'

const COMPRESSION_LEVEL = 6
/** If a sample from the middle saves less than this share at level 1, the block is stored uncompressed. */
const MIN_SAVED_SHARE = 0.03
const SAMPLE_BYTES = 16 * 1024
/** What an incompressible block needs besides its content: header, trailer, and a little for each stored piece. */
const overheadBytes = (bytes: number) => 1024 + (bytes >> 8)

/** Makes a complete gzip file of `plain`, in the thread pool. Pass it to `release` after use. */
export async function makeGzipMember(plain: Buffer): Promise<Buffer> {
  const level = (await compressesLittle(plain)) ? 0 : COMPRESSION_LEVEL
  return await compress(createGzip, plain, { level, memLevel: 9 })
}

async function compressesLittle(plain: Buffer): Promise<boolean> {
  if (plain.length < 4 * SAMPLE_BYTES) return false
  const start = (plain.length - SAMPLE_BYTES) >> 1
  const sample = await compress(createDeflateRaw, plain.subarray(start, start + SAMPLE_BYTES), { level: 1 })
  const { length } = sample
  release(sample)
  return length > SAMPLE_BYTES * (1 - MIN_SAVED_SHARE)
}

type Codec = (options: ZlibOptions) => Transform

/** Like zlib.gzip, but with a buffer for the whole output, so that its pieces need not be copied together. */
function compress(codec: Codec, plain: Buffer, options: ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const stream = codec({ ...options, chunkSize: plain.length + overheadBytes(plain.length) })
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.once('error', reject)
    stream.once('end', () => resolve(joinOutput(pieces)))
    stream.end(plain)
  })
}

function joinOutput(pieces: Buffer[]): Buffer {
  const [first] = pieces
  if (!first || pieces.some((piece) => piece.buffer !== first.buffer)) return Buffer.concat(pieces)
  return Buffer.from(
    first.buffer,
    first.byteOffset,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  )
}
