/**
 * One thing in a volume, exactly: names are bytes, times nanoseconds. What tree/ reads, archive/ and snapshot/
 * store, and what they give back to tree/ to write.
 */
export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'chardev' | 'blockdev'

export interface TreeEntry {
  type: EntryType
  /** Relative to the volume, `/` separated, no leading or trailing slash; empty for the volume itself. */
  path: Buffer
  /** The permission bits, 0o7777. */
  mode: number
  uid: number
  gid: number
  /** Bytes of content for a file, else 0. */
  size: number
  mtimeNs: bigint
  ctimeNs: bigint
  device: bigint
  inode: bigint
  /** Names of this inode; over 1 on a file = it may be a hard link of another entry. */
  links: number
  /** For devices. */
  major: number
  minor: number
  /** For symlinks: bytes, as they stand. */
  linkTarget: Buffer | null
  /** Extended attributes with their raw values, ACLs (`system.posix_acl_access`, `…_default`) and capabilities included. */
  xattrs: Xattr[]
  /** Inode flags (chattr) as inode-flags.ts knows them; left out for none. */
  flags?: number
  /** Where data lies in a sparse file, ascending, not overlapping; null = everywhere. */
  extents: Extent[] | null
}

export interface Xattr {
  /** Always ASCII or UTF-8 in practice; kept as the bytes it is. */
  name: Buffer
  value: Buffer
}

export interface Extent {
  offset: number
  length: number
}

/** Why something is not, or not exactly, in the backup. A `fault` makes the backup partial, a `note` does not. */
export interface TreeWarning {
  severity: 'note' | 'fault'
  path: Buffer
  /** A sentence without the path: `vanished before it was opened`. */
  message: string
  /** How many entries it stands for; 1 if left out. */
  count?: number
}

/**
 * Where its content can be read from. `data` holds all of a small file that was read ahead; it is overwritten when the
 * next items are asked for, and `open` no longer works then.
 */
export interface TreeItem {
  entry: TreeEntry
  data: Buffer | null
  /** For a file without `data`: opens the very inode the walk saw, and brings size, times and extents up to date. */
  open: (() => Promise<OpenFile>) | null
}

export interface OpenFile extends FileSource {
  /** Its descriptor, for as long as it is not closed. */
  readonly fd: number
}

export interface FileSource {
  /** Reads into `buffer` from `position` of the file; 0 only at the end. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<number>
  /** After the last read: undefined, or how the file changed meanwhile. */
  changed(): Promise<'grew' | 'shrank' | 'changed' | undefined>
  close(): Promise<void>
}
