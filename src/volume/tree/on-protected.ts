/**
 * Told of an entry that is immutable or append-only, with all its inode flags: to be set when it is where it is to
 * stay, since nothing can rename or remove it then.
 */
export type OnProtected = (path: Buffer, flags: number) => void
