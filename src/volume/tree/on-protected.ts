/**
 * Called for an immutable or append-only entry, with all its inode flags. Set them once the entry is at its final place,
 * because it can be neither renamed nor removed after that.
 */
export type OnProtected = (path: Buffer, flags: number) => void
