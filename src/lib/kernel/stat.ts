import { NS_PER_SECOND } from '../time-units.ts'
import { makeDevice } from './device-number.ts'
import { AT_FDCWD, type Libc, passingCString } from './libc.ts'

/** The fields of stat that we use; Node's BigIntStats has all of them. */
export interface FileStat {
  mode: number | bigint
  uid: number | bigint
  gid: number | bigint
  nlink: number | bigint
  size: number | bigint
  mtimeNs: bigint
  ctimeNs: bigint
  dev: bigint
  rdev: bigint
  ino: bigint
}

export interface KernelStat {
  /** Stats an entry of `dir` with one call, without following a link; undefined on any failure. */
  statAt(dir: number, name: Buffer): FileStat | undefined
  /** The same, only the ctime. */
  ctimeAt(dir: number, name: Buffer): bigint | undefined
  /** The ctime of an open file. */
  ctimeOf(fd: number): bigint | undefined
  /** The exact mtime of an open or pinned (O_PATH) file; undefined if the kernel gives none. */
  mtimeOf(fd: number): bigint | undefined
}

const AT_SYMLINK_NOFOLLOW = 0x100
const AT_NO_AUTOMOUNT = 0x800
const AT_EMPTY_PATH = 0x1000
const NO_NAME = Buffer.alloc(1)
const FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
const STATX_CTIME = 0x80
const STATX_BASIC_STATS = 0x7ff
/** `struct statx` (statx(2)): its size and the offsets of fields. */
const STATX_BYTES = 256
const AT = {
  mask: 0,
  nlink: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  ino: 32,
  size: 40,
  ctime: 96,
  mtime: 112,
  rdevMajor: 128,
  rdevMinor: 132,
  devMajor: 136,
  devMinor: 140,
}

export function bindStat(libc: Libc): KernelStat {
  const struct = Buffer.alloc(STATX_BYTES)
  const call = bindStatx(libc)
  const statAt: KernelStat['statAt'] = (dir, name) => {
    if (call(dir, passingCString(name), FLAGS, STATX_BASIC_STATS, struct) < 0) return undefined
    return (struct.readUInt32LE(AT.mask) & STATX_BASIC_STATS) === STATX_BASIC_STATS
      ? statIn(struct)
      : undefined
  }
  const ctimeBy = (dir: number, name: Buffer, flags: number) => {
    if (call(dir, name, flags, STATX_CTIME, struct) < 0) return undefined
    return struct.readUInt32LE(AT.mask) & STATX_CTIME ? timeAt(struct, AT.ctime) : undefined
  }
  const ctimeAt: KernelStat['ctimeAt'] = (dir, name) => ctimeBy(dir, passingCString(name), FLAGS)
  const ctimeOf: KernelStat['ctimeOf'] = (fd) => ctimeBy(fd, NO_NAME, AT_EMPTY_PATH)
  const mtimeOf: KernelStat['mtimeOf'] = (fd) => {
    if (fd < 0) return undefined
    const failed = call(fd, NO_NAME, FLAGS | AT_EMPTY_PATH, STATX_BASIC_STATS, struct) < 0
    return failed ? undefined : timeAt(struct, AT.mtime)
  }
  if (statAt(AT_FDCWD, Buffer.from('.'))) return { statAt, ctimeAt, ctimeOf, mtimeOf }
  const unknown = () => undefined
  return { statAt: unknown, ctimeAt: unknown, ctimeOf: unknown, mtimeOf: unknown }
}

/** glibc has this function since 2.28. */
function bindStatx(libc: Libc): ReturnType<Libc['attempt']> {
  try {
    return libc.attempt('int statx(int dir, const void *path, int flags, uint32_t mask, void *out)')
  } catch {
    return () => -1
  }
}

function statIn(struct: Buffer): FileStat {
  const { rdevMajor, rdevMinor, devMajor, devMinor } = AT
  return {
    mode: struct.readUInt16LE(AT.mode),
    uid: struct.readUInt32LE(AT.uid),
    gid: struct.readUInt32LE(AT.gid),
    nlink: struct.readUInt32LE(AT.nlink),
    size: struct.readBigUInt64LE(AT.size),
    mtimeNs: timeAt(struct, AT.mtime),
    ctimeNs: timeAt(struct, AT.ctime),
    dev: makeCachedDevice(struct.readUInt32LE(devMajor), struct.readUInt32LE(devMinor)),
    rdev: makeCachedDevice(struct.readUInt32LE(rdevMajor), struct.readUInt32LE(rdevMinor)),
    ino: struct.readBigUInt64LE(AT.ino),
  }
}

function timeAt(struct: Buffer, at: number): bigint {
  return struct.readBigInt64LE(at) * NS_PER_SECOND + BigInt(struct.readUInt32LE(at + 8))
}

const last = { major: 0, minor: 0, device: 0n }

/** Remembers the last device, which is the same for a whole volume. */
function makeCachedDevice(major: number, minor: number): bigint {
  if (major === 0 && minor === 0) return 0n
  if (major !== last.major || minor !== last.minor)
    Object.assign(last, { major, minor, device: makeDevice(major, minor) })
  return last.device
}
