import { createHash, type Hash } from 'node:crypto'
import type { ObjectReader } from '../objects/driver.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ByteStream } from './byte-stream.ts'
import { checkDigest, checkSize, type Expected } from './expected.ts'
import { gunzipArchive } from './gunzip-archive.ts'
import { IndexComparison } from './index-comparison.ts'
import { limitInflated } from './limit-inflated.ts'
import { readTarEntries, type TarEntry } from './tar-entries.ts'
import { explainUnpackError } from './unpack-error.ts'

export interface VerifyInput {
  archive: ObjectReader
  /** From the manifest; null if the archive has none: then only its own checksums are compared. */
  expected: Expected | null
  /** Compared with the archive, entry by entry. */
  index: ObjectReader | null
  /** As in gunzipArchive(). */
  members: readonly number[] | null
  signal: AbortSignal
  /** Bytes of the archive that were read so far. Called often: keep it cheap. */
  onProgress(bytes: number): void
}

/** An archive while it is read. */
interface Reading {
  stream: ByteStream
  entry: Buffer | undefined
}

/**
 * Reads all of a `.tar.gz` like a recover, and writes nothing. Throws ARCHIVE_CORRUPT if its bytes differ from the
 * expected ones or are not an archive; the signal's reason once aborted.
 * @returns how the index differs from the archive; null if it does not
 */
export async function verifyArchive(input: VerifyInput): Promise<string | null> {
  const { archive, expected, members, signal } = input
  checkSize(archive.size, expected)
  const reader = new ArchiveReader(archive, signal)
  const stream = new ByteStream(limitInflated(gunzipArchive(reader, members), expected?.tarBytes))
  const reading: Reading = { stream, entry: undefined }
  try {
    const difference = await readEntries(input, reading, () => reader.position)
    await checkDigest(reader, expected)
    input.onProgress(reader.position)
    return difference
  } catch (error) {
    throw explainUnpackError(error, { position: stream.position, entry: reading.entry })
  } finally {
    await stream.close().catch(() => {})
  }
}

async function readEntries(
  { index, onProgress }: VerifyInput,
  reading: Reading,
  position: () => number,
): Promise<string | null> {
  const { stream } = reading
  const comparison = index && new IndexComparison(index)
  for await (const entry of readTarEntries(stream)) {
    reading.entry = entry.name
    const hash = comparison?.isEqual ? createContentHash(entry) : null
    for (let left = entry.stored; left > 0; ) {
      const piece = await stream.readSome(left)
      left -= piece.length
      hash?.update(piece)
      onProgress(position())
    }
    await comparison?.compare(entry, hash?.digest('hex') ?? null)
    onProgress(position())
  }
  await stream.drain()
  return (await comparison?.finish()) ?? null
}

/** The index has the hash of a sparse file with its holes, which are not in the archive. */
function createContentHash({ type, extents }: TarEntry): Hash | null {
  return type === 'file' && extents === null ? createHash('sha256') : null
}
