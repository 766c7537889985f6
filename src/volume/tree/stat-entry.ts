import { type BigIntStats, constants } from 'node:fs'
import { readMajor, readMinor } from '../../lib/kernel/device-number.ts'
import type { FileStat } from '../../lib/kernel/stat.ts'
import type { EntryType, TreeEntry } from './entry.ts'

const TYPES = new Map<number, EntryType>([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFIFO, 'fifo'],
  [constants.S_IFCHR, 'chardev'],
  [constants.S_IFBLK, 'blockdev'],
])

/** Undefined for a socket, which a backup cannot contain. */
export function readEntryType(stat: FileStat): EntryType | undefined {
  return TYPES.get(Number(stat.mode) & constants.S_IFMT)
}

/** An entry with the fields of stat; link target, attributes and extents are read separately. */
export function toTreeEntry(type: EntryType, stat: FileStat, path: Buffer): TreeEntry {
  const isDevice = type === 'chardev' || type === 'blockdev'
  return {
    type,
    path,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === 'file' ? Number(stat.size) : 0,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    device: stat.dev,
    inode: stat.ino,
    links: Number(stat.nlink),
    major: isDevice ? readMajor(stat.rdev) : 0,
    minor: isDevice ? readMinor(stat.rdev) : 0,
    linkTarget: null,
    xattrs: [],
    extents: null,
  }
}

/** Whether a file may have holes: it has fewer blocks than its size needs. */
export function mayHaveHoles(stat: BigIntStats): boolean {
  return stat.blocks * 512n < stat.size
}

/** How a file changed since it was opened. Adding or removing a hard link does not count. */
export function changeBetween(
  before: BigIntStats,
  after: BigIntStats,
): 'grew' | 'shrank' | 'changed' | undefined {
  if (after.size > before.size) return 'grew'
  if (after.size < before.size) return 'shrank'
  if (after.mtimeNs !== before.mtimeNs) return 'changed'
  return after.ctimeNs === before.ctimeNs || after.nlink !== before.nlink ? undefined : 'changed'
}
