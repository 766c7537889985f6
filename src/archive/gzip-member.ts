import type { Transform } from 'node:stream'
import { createDeflateRaw, createGzip, type ZlibOptions } from 'node:zlib'
import { release } from '../lib/release.ts'

const LEVEL = 6
/** Where a sample from the middle saves less than this at level 1, the block is stored as it is. */
const STORED_UNDER = 0.03
const SAMPLE = 16 * 1024
/** Room around content that does not compress: header, trailer, and a little for each stored piece of it. */
const slackFor = (bytes: number) => 1024 + (bytes >> 8)

/** One whole gzip file of `plain`, made on the thread pool. Hand it to `release` when it has been used. */
export async function gzipMember(plain: Buffer): Promise<Buffer> {
  const level = (await compressesLittle(plain)) ? 0 : LEVEL
  return await compress(createGzip, plain, { level, memLevel: 9 })
}

async function compressesLittle(plain: Buffer): Promise<boolean> {
  if (plain.length < 4 * SAMPLE) return false
  const start = (plain.length - SAMPLE) >> 1
  const sample = await compress(createDeflateRaw, plain.subarray(start, start + SAMPLE), { level: 1 })
  const { length } = sample
  release(sample)
  return length > SAMPLE * (1 - STORED_UNDER)
}

type Codec = (options: ZlibOptions) => Transform

/** What zlib.gzip does, with room for all of the output at once, so that its pieces lie in one buffer uncopied. */
function compress(codec: Codec, plain: Buffer, options: ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const stream = codec({ ...options, chunkSize: plain.length + slackFor(plain.length) })
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.once('error', reject)
    stream.once('end', () => resolve(joined(pieces)))
    stream.end(plain)
  })
}

function joined(pieces: Buffer[]): Buffer {
  const [first] = pieces
  if (!first || pieces.some((piece) => piece.buffer !== first.buffer)) return Buffer.concat(pieces)
  return Buffer.from(
    first.buffer,
    first.byteOffset,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  )
}
