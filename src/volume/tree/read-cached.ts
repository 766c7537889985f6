import { closeSync } from 'node:fs'
import { isSystemError } from '../../lib/errors.ts'
import type { Kernel } from '../../lib/kernel.ts'
import { readXattrs } from './attributes.ts'
import type { TreeEntry, Xattr } from './entry.ts'
import { refreshEntry } from './file-source.ts'
import { areWritesFlushed } from './flush-writes.ts'
import { readFlags } from './inode-flags.ts'
import { noteFlags } from './note-flags.ts'
import { openCached, type Pin } from './pin.ts'
import type { OpenVolume } from './volume.ts'

/** Files up to this size are read when they are inspected. */
export const MAX_SMALL_FILE_BYTES = 64 * 1024

const scratch = Buffer.allocUnsafeSlow(MAX_SMALL_FILE_BYTES)

/**
 * Fast path: reads a small file with attributes and flags synchronously, if all of it is in the page cache, and checks
 * that it did not change since it was pinned. Returns undefined in any other case, and the file is then read the usual
 * way. The content is valid until the next call.
 */
export function readCachedFile(volume: OpenVolume, entry: TreeEntry, pin: Pin): Buffer | undefined {
  const { kernel, hasTrueSizes, beganNs } = volume
  const { size } = entry
  if (!kernel || !pin.cached || !hasTrueSizes || size > MAX_SMALL_FILE_BYTES) return undefined
  if (beganNs !== undefined && !areWritesFlushed(pin.stat, beganNs)) return undefined
  const fd = openCached(pin)
  try {
    if (size > 0 && kernel.readCached(fd, scratch, 0, size) !== size) return undefined
    const xattrs = xattrsIfReadable(kernel, fd)
    const flags = readFlags(kernel, fd, false)
    if (!xattrs || kernel.ctimeOf(fd) !== pin.stat.ctimeNs) return undefined
    refreshEntry(entry, pin.stat, { kernel, fd })
    noteFlags(volume, Object.assign(entry, { xattrs }), flags)
    return scratch.subarray(0, size)
  } finally {
    closeSync(fd)
  }
}

function xattrsIfReadable(kernel: Kernel, fd: number): Xattr[] | undefined {
  try {
    return readXattrs(kernel, fd)
  } catch (error) {
    if (!isSystemError(error)) throw error
    return undefined
  }
}
