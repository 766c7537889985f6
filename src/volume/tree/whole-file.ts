import { closeSync, read, write } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { KernelError } from '../../lib/kernel/libc.ts'
import { openUnnamedFile } from '../../lib/unnamed-file.ts'
import type { OpenFile, TreeEntry } from './entry.ts'

/** File systems with correct sizes in stat: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs and ZFS; numbers of statfs(2). */
const TYPES_WITH_TRUE_SIZES = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x01021994, 0x2fc12fc1])
/** A file with a wrong size is copied to the temporary folder, which an endless file must not fill. */
const MAX_COPY_BYTES = 2 ** 30
const PIECE_BYTES = 256 * 1024
const EFBIG = 27

const readFd = promisify(read)
const writeFd = promisify(write)

/** Other file systems (/proc, many in user space) may report 0, or any size, for a file that has content. */
export async function hasTrueSizes(place: Buffer): Promise<boolean> {
  return TYPES_WITH_TRUE_SIZES.has((await statfs(place)).type)
}

/**
 * For a file whose size may be wrong: returns the file itself if it ends where `entry` says, else a copy of all that
 * can be read from it, and corrects `entry`. Throws EFBIG, with the file closed, if it does not end within 1 GiB.
 */
export async function openWhole(file: OpenFile, entry: TreeEntry): Promise<OpenFile> {
  try {
    if ((await endsAt(file, entry.size)) || (await file.changed())) return file
    return await openCopy(file, entry)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function endsAt(file: OpenFile, size: number): Promise<boolean> {
  const before = Math.max(size - 1, 0)
  return (await file.read(Buffer.alloc(2), before)) === size - before
}

async function openCopy(file: OpenFile, entry: TreeEntry): Promise<OpenFile> {
  const fd = openUnnamedFile()
  try {
    entry.size = await copyTo(fd, file)
    entry.extents = null
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return {
    fd,
    read: async (buffer, position) => (await readFd(fd, buffer, 0, buffer.length, position)).bytesRead,
    changed: () => file.changed(),
    close: async () => {
      closeSync(fd)
      await file.close()
    },
  }
}

/** Returns the bytes copied. */
async function copyTo(fd: number, file: OpenFile): Promise<number> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let size = 0; ; ) {
    const count = await file.read(piece, size)
    if (count === 0) return size
    if (size + count > MAX_COPY_BYTES) throw new KernelError(EFBIG, 'read')
    for (let at = 0; at < count; ) at += (await writeFd(fd, piece, at, count - at, size + at)).bytesWritten
    size += count
  }
}
