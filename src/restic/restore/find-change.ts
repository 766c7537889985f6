import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { readMajor, readMinor } from '../../lib/kernel/device-number.ts'
import { type Kernel, loadKernel } from '../../lib/kernel.ts'
import type { LiveEntry } from '../../volume/plan/live-folder.ts'
import { readXattrs } from '../../volume/tree/attributes.ts'
import type { TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { readFlags } from '../../volume/tree/inode-flags.ts'
import type { OutputFolder } from '../../volume/tree/write-folder.ts'

/**
 * How a restore would change an entry of the volume, without reading content: files with equal size and mtime count
 * as equal. The ctime is ignored, because a restore cannot set it, and so is a folder's mtime, because it changes with
 * the names in it. An entry that cannot be read, or is deleted meanwhile, would be overwritten.
 */
export function findChange(
  entry: TreeEntry,
  there: LiveEntry,
  folder: OutputFolder,
): 'none' | 'metadata' | 'overwrite' {
  try {
    const path = folder.at(there.name)
    if (!hasSameContent(entry, there, path)) return 'overwrite'
    return hasSameStat(entry, there) && hasSameAttributes(entry, path) ? 'none' : 'metadata'
  } catch {
    return 'overwrite'
  }
}

function hasSameContent(entry: TreeEntry, { type, stat }: LiveEntry, path: Buffer): boolean {
  if (type !== entry.type) return false
  if (type === 'directory') return true
  if (type === 'symlink') return entry.linkTarget?.equals(readlinkSync(path, { encoding: 'buffer' })) === true
  if (type === 'file' && BigInt(entry.size) !== stat.size) return false
  const isDevice = type === 'chardev' || type === 'blockdev'
  if (isDevice && (entry.major !== readMajor(stat.rdev) || entry.minor !== readMinor(stat.rdev))) return false
  return entry.mtimeNs === stat.mtimeNs
}

function hasSameStat({ uid, gid, mode, mtimeNs }: TreeEntry, { type, stat }: LiveEntry): boolean {
  if (BigInt(uid) !== stat.uid || BigInt(gid) !== stat.gid) return false
  return type === 'symlink' ? mtimeNs === stat.mtimeNs : mode === (Number(stat.mode) & 0o7777)
}

function hasSameAttributes({ xattrs, flags = 0 }: TreeEntry, path: Buffer): boolean {
  const kernel = loadKernel()
  if (kernel && flags !== 0 && !hasFlags(kernel, path, flags)) return false
  return haveSameXattrs(xattrs, kernel ? readXattrs(kernel, path) : [])
}

/** Only called if the snapshot has flags, because opening every file would take too long. */
function hasFlags(kernel: Kernel, path: Buffer, flags: number): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return readFlags(kernel, fd, false).flags === flags
  } finally {
    closeSync(fd)
  }
}

/** Compares in any order. */
function haveSameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  if (a.length !== b.length) return false
  return a.every(({ name, value }) => b.some((one) => one.name.equals(name) && one.value.equals(value)))
}
