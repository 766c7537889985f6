import { NS_PER_SECOND } from '../time-units.ts'
import { makeDevice } from './device-number.ts'
import { cString, type Libc } from './libc.ts'

/** Calls on names relative to an open directory; they never follow a symlink at the end. */
export interface KernelNames {
  mkdirat(dir: number, name: Buffer, mode: number): void
  /** `mode` with its type bits (S_IFIFO, S_IFCHR, …), subject to the umask. */
  mknodat(dir: number, name: Buffer, node: { mode: number; major: number; minor: number }): void
  symlinkat(target: Buffer, dir: number, name: Buffer): void
  linkat(from: NameAt, to: NameAt): void
  /** With an empty name: the target of the symlink that `dir`, an O_PATH descriptor, refers to. */
  readlinkat(dir: number, name: Buffer): Buffer
  unlinkat(dir: number, name: Buffer): void
  rmdirat(dir: number, name: Buffer): void
  /** Atomic. `noReplace`: EEXIST if `to` exists; `exchange`: both must exist and swap places. */
  renameat2(from: NameAt, to: NameAt, how?: 'noReplace' | 'exchange'): void
  fchownat(dir: number, name: Buffer, owner: { uid: number; gid: number }): void
  /** ENOTSUP for a symlink. */
  fchmodat(dir: number, name: Buffer, mode: number): void
  utimensat(dir: number, name: Buffer, times: FileTimes): void
  futimens(fd: number, times: FileTimes): void
}

export interface NameAt {
  dir: number
  name: Buffer
}

/** Unix ns, negative before 1970; a missing field stays unchanged. */
export interface FileTimes {
  atimeNs?: bigint
  mtimeNs?: bigint
}

const PATH_MAX = 4096
const AT_SYMLINK_NOFOLLOW = 0x100
const AT_REMOVEDIR = 0x200
const RENAME_FLAGS = { replace: 0, noReplace: 1, exchange: 2 }

export function bindNames(libc: Libc): KernelNames {
  const mkdirat = libc.bind('int mkdirat(int dir, const void *name, uint32_t mode)')
  const mknodat = libc.bind('int mknodat(int dir, const void *name, uint32_t mode, uint64_t device)')
  const symlinkat = libc.bind('int symlinkat(const void *target, int dir, const void *name)')
  const linkat = libc.bind('int linkat(int a, const void *from, int b, const void *to, int flags)')
  const unlinkat = libc.bind('int unlinkat(int dir, const void *name, int flags)')
  const renameat2 = libc.bind('int renameat2(int a, const void *from, int b, const void *to, uint32_t flags)')
  const readlinkat = libc.bind(
    'int64_t readlinkat(int dir, const void *name, _Out_ void *target, size_t size)',
  )
  return {
    readlinkat(dir, name) {
      const target = Buffer.allocUnsafe(PATH_MAX)
      return target.subarray(0, readlinkat(dir, cString(name), target, PATH_MAX))
    },
    mkdirat: (dir, name, mode) => void mkdirat(dir, cString(name), mode),
    mknodat: (dir, name, { mode, major, minor }) =>
      void mknodat(dir, cString(name), mode, makeDevice(major, minor)),
    symlinkat: (target, dir, name) => void symlinkat(cString(target), dir, cString(name)),
    linkat: (from, to) => void linkat(from.dir, cString(from.name), to.dir, cString(to.name), 0),
    unlinkat: (dir, name) => void unlinkat(dir, cString(name), 0),
    rmdirat: (dir, name) => void unlinkat(dir, cString(name), AT_REMOVEDIR),
    renameat2: (from, to, how) =>
      void renameat2(from.dir, cString(from.name), to.dir, cString(to.name), RENAME_FLAGS[how ?? 'replace']),
    ...bindAttributes(libc),
  }
}

function bindAttributes(libc: Libc): Pick<KernelNames, 'fchownat' | 'fchmodat' | 'utimensat' | 'futimens'> {
  const fchownat = libc.bind('int fchownat(int dir, const void *name, uint32_t uid, uint32_t gid, int flags)')
  const fchmodat = libc.bind('int fchmodat(int dir, const void *name, uint32_t mode, int flags)')
  const utimensat = libc.bind('int utimensat(int dir, const void *name, const void *times, int flags)')
  const futimens = libc.bind('int futimens(int fd, const void *times)')
  return {
    fchownat: (dir, name, { uid, gid }) => void fchownat(dir, cString(name), uid, gid, AT_SYMLINK_NOFOLLOW),
    fchmodat: (dir, name, mode) => void fchmodat(dir, cString(name), mode, AT_SYMLINK_NOFOLLOW),
    utimensat: (dir, name, times) =>
      void utimensat(dir, cString(name), timespecs(times), AT_SYMLINK_NOFOLLOW),
    futimens: (fd, times) => void futimens(fd, timespecs(times)),
  }
}

const UTIME_OMIT = 0x3ffffffen

function timespecs({ atimeNs, mtimeNs }: FileTimes): Buffer {
  const times = Buffer.alloc(32)
  writeTimespec(times, 0, atimeNs)
  writeTimespec(times, 16, mtimeNs)
  return times
}

function writeTimespec(times: Buffer, at: number, ns: bigint | undefined): void {
  if (ns === undefined) {
    times.writeBigInt64LE(UTIME_OMIT, at + 8)
    return
  }
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND
  times.writeBigInt64LE((ns - fraction) / NS_PER_SECOND, at)
  times.writeBigInt64LE(fraction, at + 8)
}
