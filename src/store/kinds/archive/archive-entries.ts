import { ArchivePaths } from '../../../archive/archive-paths.ts'
import { ArchiveReader } from '../../../archive/archive-reader.ts'
import { ByteStream } from '../../../archive/byte-stream.ts'
import { gunzipArchive } from '../../../archive/gunzip-archive.ts'
import { readTarEntries, type TarEntry } from '../../../archive/tar-entries.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { isoTimeOfNs } from '../../../lib/clock.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import type { FileInfo } from '../../../wire/backup.ts'

/** Lists the entries of an archive without an index; see readArchiveEntries(). */
export async function* archiveEntries(object: ObjectReader, signal: AbortSignal): AsyncGenerator<FileInfo> {
  for await (const { entry, path } of readArchiveEntries(object, signal)) yield toFileInfo(entry, path)
}

export interface ArchiveEntry {
  entry: TarEntry
  /** Relative to the volume. */
  path: Buffer
  /** Has the content next, `entry.stored` bytes. What is not read of it is skipped. */
  stream: ByteStream
  /** The path of the entry that a hard link refers to. */
  resolveLink(): Buffer
}

/**
 * Reads the entries of an archive without an index, from start to end. Throws ARCHIVE_CORRUPT, also for names that leave the
 * volume; the signal's reason once aborted.
 */
export async function* readArchiveEntries(
  object: ObjectReader,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const stream = new ByteStream(gunzipArchive(new ArchiveReader(object, signal), null))
  const paths = new ArchivePaths((top) => {
    throw new Error(`"${bytesToText(top)}" is not its only directory at the top`)
  })
  try {
    for await (const entry of readTarEntries(stream)) {
      const path = paths.resolve(entry.name, entry.type === 'directory')
      const resolveLink = () => paths.resolveLink(entry.linkName)
      if (path.length > 0) yield { entry, path, stream, resolveLink }
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof BackupdError) throw error
    const what = `The files of the archive cannot be listed: ${messageOf(error)}`
    throw new BackupdError('ARCHIVE_CORRUPT', what, { cause: error })
  } finally {
    await stream.close().catch(() => {})
  }
}

function toFileInfo(entry: TarEntry, path: Buffer): FileInfo {
  const { type, size, mode, uid, gid, mtimeNs, linkName } = entry
  const isLink = type === 'symlink' || type === 'hardlink'
  return {
    path: bytesToText(path),
    type,
    size,
    mode,
    uid,
    gid,
    modified: isoTimeOfNs(mtimeNs),
    linkTarget: isLink ? bytesToText(linkName) : null,
    sha256: null,
  }
}
