import type { ObjectReader } from '../objects/driver.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import { ArchiveReader } from './archive-reader.ts'
import { checkDigest, checkSize, type Expected } from './expected.ts'
import { gunzipArchive } from './gunzip-archive.ts'
import { limitInflated } from './limit-inflated.ts'
import { type UnpackInto, Unpacking } from './unpacking.ts'

export interface UnpackInput extends UnpackInto {
  archive: ObjectReader
  /** From the manifest; null if the archive has none: then only its own checksums are compared. */
  expected: Expected | null
  /**
   * The compressed sizes of the gzip members, from the index, to inflate them in parallel; null = read as one stream.
   */
  members: number[] | null
}

/**
 * Unpacks a `.tar.gz` of any tar into an empty directory, never outside it, and syncs it to disk. Everything except
 * the root gets its metadata. What cannot be restored exactly causes a warning. Blocks the event loop: use it in a
 * process of its own. Throws ARCHIVE_CORRUPT if the bytes differ from the expected ones or are not an archive,
 * ARCHIVE_UNSAFE for a name or hard link that leads out, ARCHIVE_EMPTY if nothing was restored, NO_ROOM, and the
 * signal's reason once aborted. The caller must then discard the target.
 */
export async function unpackArchive(input: UnpackInput): Promise<UnpackSummary> {
  const { expected, members, signal } = input
  checkSize(input.archive.size, expected)
  const archive = new ArchiveReader(input.archive, signal)
  const unpacking = new Unpacking(input, {
    pieces: limitInflated(gunzipArchive(archive, members), expected?.tarBytes),
    mayBeEmpty: expected !== null,
    end: () => checkDigest(archive, expected),
  })
  return await unpacking.unpack()
}
