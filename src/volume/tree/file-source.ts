import { type BigIntStats, fstatSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { isSystemError } from '../../lib/errors.ts'
import { KernelError } from '../../lib/kernel/libc.ts'
import type { Kernel } from '../../lib/kernel.ts'
import type { Extent, FileSource, OpenFile, TreeEntry } from './entry.ts'
import { exactMtimeNs } from './exact-time.ts'
import { findDataExtents } from './extents.ts'
import { flushWrites } from './flush-writes.ts'
import { closePinned, openPinned, type Pin } from './pin.ts'
import { changeBetween, mayHaveHoles } from './stat-entry.ts'
import type { OpenVolume } from './volume.ts'

const readFd = promisify(read)

/** Sparse files can be larger, but then sizes would not be exact numbers, here and in readers of our backups. */
const MAX_FILE_BYTES = BigInt(Number.MAX_SAFE_INTEGER)
const EFBIG = 27

/**
 * Opens a pinned file and updates `entry` to it: changes while it is read are detected from this moment on.
 * Throws EFBIG for a file that is larger than a backup can store.
 */
export async function openFile(
  pin: Pin,
  entry: TreeEntry,
  { kernel, beganNs }: Pick<OpenVolume, 'kernel' | 'beganNs'>,
): Promise<OpenFile> {
  const { fd, stat } = await openPinned(pin)
  if (stat.size > MAX_FILE_BYTES) {
    closePinned(pin, fd)
    throw new KernelError(EFBIG, 'open')
  }
  refreshEntry(entry, stat, { kernel, fd })
  const isSettled = beganNs === undefined || (await flushWrites(fd, stat, beganNs))
  return {
    fd,
    read: (buffer, position) => readAt(fd, buffer, { position, kernel }),
    changed: async () =>
      changeBetween(stat, fstatSync(fd, { bigint: true })) ?? (isSettled ? undefined : 'changed'),
    close: async () => closePinned(pin, fd),
  }
}

/** Updates the fields that may have changed since the walk saw the entry. */
export function refreshEntry(
  entry: TreeEntry,
  stat: BigIntStats,
  { kernel, fd }: { kernel: Kernel | undefined; fd: number },
): void {
  entry.size = Number(stat.size)
  entry.mtimeNs = exactMtimeNs(fd, stat.mtimeNs)
  entry.ctimeNs = stat.ctimeNs
  entry.extents = kernel && mayHaveHoles(stat) ? extentsIfKnown(kernel, fd, entry.size) : null
}

/** Up to this size, cached data is read directly, because a thread switch would cost more. */
const MAX_DIRECT_BYTES = 64 * 1024

interface Where {
  position: number
  kernel: Kernel | undefined
}

async function readAt(fd: number, into: Buffer, { position, kernel }: Where): Promise<number> {
  const cached = into.length <= MAX_DIRECT_BYTES ? kernel?.readCached(fd, into, position) : undefined
  return cached ?? (await readFd(fd, into, 0, into.length, position)).bytesRead
}

/** null if the file was truncated meanwhile, or the file system has no SEEK_DATA: it is read as if it had no holes. */
function extentsIfKnown(kernel: Kernel, fd: number, size: number): Extent[] | null {
  try {
    return findDataExtents(kernel, fd, size)
  } catch (error) {
    if (!isSystemError(error)) throw error
    return null
  }
}

/** Fills `buffer` from the start of the file, up to its end. Returns the bytes read. */
export async function readWhole(source: FileSource, buffer: Buffer): Promise<number> {
  let filled = 0
  while (filled < buffer.length) {
    const count = await source.read(buffer.subarray(filled), filled)
    if (count === 0) break
    filled += count
  }
  return filled
}
