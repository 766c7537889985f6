import { createHash } from 'node:crypto'
import type { ByteSpan } from '../objects/driver.ts'
import { corrupt } from './archive-fault.ts'
import type { ByteStream } from './byte-stream.ts'
import type { TarEntry } from './tar-entries.ts'

/** Holes are read in pieces of this size. */
const ZEROS = Buffer.alloc(64 << 10)

type FileShape = Pick<TarEntry, 'size' | 'extents'>

/**
 * Reads a span of the content of a file, holes as zeros, from a stream that has come to it. A buffer is valid until the
 * next one is requested. Throws a corrupt ArchiveFault; of a whole file that has another hash, before its last buffer.
 * @param sha256 of the whole content, hex; null if it is not known
 */
export async function* readTarContent(
  stream: ByteStream,
  file: FileShape,
  { sha256, ...span }: ByteSpan & { sha256: string | null },
): AsyncGenerator<Buffer> {
  const isWhole = span.from === 0 && span.end === file.size
  const hash = sha256 !== null && isWhole ? createHash('sha256') : null
  let left = span.end - span.from
  for await (const piece of readStretches(stream, file, span)) {
    left -= piece.length
    hash?.update(piece)
    if (left === 0 && hash && hash.digest('hex') !== sha256)
      throw corrupt('the content of a file has another sha256 than in the index')
    yield piece
  }
}

async function* readStretches(
  stream: ByteStream,
  { size, extents }: FileShape,
  { from, end }: ByteSpan,
): AsyncGenerator<Buffer> {
  let at = 0
  for (const extent of [...(extents ?? [{ offset: 0, length: size }]), { offset: size, length: 0 }]) {
    const [holeEnd, dataEnd] = [extent.offset, extent.offset + extent.length]
    at = Math.max(at, Math.min(holeEnd, from))
    while (at < Math.min(holeEnd, end)) {
      const zeros = ZEROS.subarray(0, Math.min(holeEnd, end) - at)
      at += zeros.length
      yield zeros
    }
    while (at < Math.min(dataEnd, end)) {
      const piece = await stream.readSome(dataEnd - at)
      const wanted = piece.subarray(Math.max(from - at, 0), end - at)
      at += piece.length
      if (wanted.length > 0) yield wanted
    }
  }
}
