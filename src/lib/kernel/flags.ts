import type { Libc } from './libc.ts'

/** Inode flags (chattr) and project ids of a regular file or directory open for reading (not O_PATH). */
export interface KernelFlags {
  /** `FS_*_FL` of linux/fs.h; undefined if the file system has none. */
  getFlags(fd: number): number | undefined
  /** Throws EPERM, EOPNOTSUPP, ENOTTY or EINVAL if they are refused. */
  setFlags(fd: number, flags: number): void
  /** The id of its project quota; 0 for none, undefined if the file system has none. */
  getProject(fd: number): number | undefined
}

/** The same on x86_64 and arm64 (linux/fs.h). */
const FS_IOC_GETFLAGS = 0x80086601
const FS_IOC_SETFLAGS = 0x40086602
const FS_IOC_FSGETXATTR = 0x801c581f
/** `struct fsxattr`: its size and the offset of the project id. */
const FSXATTR_BYTES = 28
const PROJECT_AT = 12

export function bindFlags(libc: Libc): KernelFlags {
  const prototype = 'int ioctl(int fd, uint64_t request, void *argument)'
  const attempt = libc.attempt(prototype)
  const ioctl = libc.bind(prototype)
  // The kernel writes an int; older headers say long.
  const flags = Buffer.alloc(8)
  const struct = Buffer.alloc(FSXATTR_BYTES)
  return {
    getFlags: (fd) => (attempt(fd, FS_IOC_GETFLAGS, flags) < 0 ? undefined : flags.readUInt32LE(0)),
    setFlags(fd, value) {
      flags.fill(0)
      flags.writeUInt32LE(value >>> 0, 0)
      ioctl(fd, FS_IOC_SETFLAGS, flags)
    },
    getProject: (fd) =>
      attempt(fd, FS_IOC_FSGETXATTR, struct) < 0 ? undefined : struct.readUInt32LE(PROJECT_AT),
  }
}
