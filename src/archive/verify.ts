import type { ObjectReader } from '../objects/driver.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ByteStream } from './byte-stream.ts'
import { checkDigest, checkSize, type Expected } from './expected.ts'
import { gunzipArchive } from './gunzip-archive.ts'
import { limitInflated } from './limit-inflated.ts'
import { readTarEntries } from './tar-entries.ts'
import { explainUnpackError } from './unpack-error.ts'

export interface VerifyInput {
  archive: ObjectReader
  /** From the manifest; null if the archive has none: then only its own checksums are compared. */
  expected: Expected | null
  signal: AbortSignal
  /** Bytes of the archive that were read so far. Called often: keep it cheap. */
  onProgress(bytes: number): void
}

/**
 * Reads all of a `.tar.gz` like a recover, and writes nothing. Throws ARCHIVE_CORRUPT if its bytes differ from the
 * expected ones or are not an archive; the signal's reason once aborted.
 */
export async function verifyArchive({ archive, expected, signal, onProgress }: VerifyInput): Promise<void> {
  checkSize(archive.size, expected)
  const reader = new ArchiveReader(archive, signal)
  const stream = new ByteStream(limitInflated(gunzipArchive(reader, null), expected?.tarBytes))
  let entry: Buffer | undefined
  try {
    for await (const { name } of readTarEntries(stream)) {
      entry = name
      onProgress(reader.position)
    }
    await stream.drain()
    await checkDigest(reader, expected)
    onProgress(reader.position)
  } catch (error) {
    throw explainUnpackError(error, { position: stream.position, entry })
  } finally {
    await stream.close().catch(() => {})
  }
}
