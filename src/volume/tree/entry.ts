// tree/ reads and writes directory trees. An entry has exact values: names are bytes, times are nanoseconds. Entries
// go from walk.ts or sorted-walk.ts (read a volume) to the backup formats, and from those to write-tree.ts (writes
// entries into an empty directory). recheck/ finds what moved or changed during a walk. Nothing here knows a format.

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
  /** Number of names of this inode; over 1 on a file = it may be a hard link of another entry. */
  links: number
  /** For devices. */
  major: number
  minor: number
  /** For symlinks: the unchanged bytes. */
  linkTarget: Buffer | null
  /**
   * Extended attributes with their raw values, ACLs (`system.posix_acl_access`, `…_default`) and capabilities
   * included.
   */
  xattrs: Xattr[]
  /** Inode flags (chattr), see inode-flags.ts; left out if none is set. */
  flags?: number
  /** The data of a sparse file, ascending, not overlapping; null = no holes. */
  extents: Extent[] | null
}

export interface Xattr {
  /** ASCII or UTF-8 in practice, but kept as bytes. */
  name: Buffer
  value: Buffer
}

export interface Extent {
  offset: number
  length: number
}

/** Why an entry is not, or not exactly, in the backup. A `fault` makes the backup partial, a `note` does not. */
export interface TreeWarning {
  severity: 'note' | 'fault'
  path: Buffer
  /** A sentence without the path: `vanished before it was opened`. */
  message: string
  /** How many entries it stands for; 1 if left out. */
  count?: number
}

/**
 * An entry with its content. `data` has all of a small file that was read ahead; it is overwritten when the next items
 * are requested, and `open` does not work any more then.
 */
export interface TreeItem {
  entry: TreeEntry
  data: Buffer | null
  /** For a file without `data`: opens the inode that the walk saw, and updates size, times and extents. */
  open: (() => Promise<OpenFile>) | null
}

export interface OpenFile extends FileSource {
  /** Its descriptor, until it is closed. */
  readonly fd: number
}

export interface FileSource {
  /** Reads into `buffer`, at most as much as it can hold, from `position` of the file; 0 only at the end. */
  read(buffer: Buffer, position: number): Promise<number>
  /** Call it after the last read. Returns how the file changed meanwhile, or undefined. */
  changed(): Promise<'grew' | 'shrank' | 'changed' | undefined>
  close(): Promise<void>
}
