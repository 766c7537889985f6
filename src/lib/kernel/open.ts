import { closeSync, constants, fstatSync } from 'node:fs'
import { AT_FDCWD, cString, KernelError, type Libc, type SystemCall } from './libc.ts'

export interface KernelOpen {
  /** Opens a component or path; pass O_NOFOLLOW. Close-on-exec. The caller closes the descriptor. */
  openat(dir: number, path: Buffer, flags: number, mode?: number): number
  /**
   * Opens a path that cannot leave `dir`: no `..` out of it, no symlink (ELOOP), no other mount (EXDEV), no magic link.
   * If the kernel lacks openat2 (before 5.6, or a filter forbids it), it opens the components one by one with
   * O_NOFOLLOW; a mount of the same file system is then not detected.
   */
  openBeneath(dir: number, path: Buffer, flags: number, mode?: number): number
  /** Like openBeneath, but enters mounts on the way. */
  openAcrossMounts(dir: number, path: Buffer, flags: number): number
}

/** Opens the file only as a path, not for reading. */
export const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000

/** glibc has no function for it; the same number on x86_64 and arm64 (openat2(2)). */
export const SYS_OPENAT2 = 437
export const OPENAT2 =
  'int64_t syscall(int64_t number, int dir, const void *path, const void *how, size_t size)'
const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08
const RESOLVE_NO_LINKS = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH
const RESOLVE = RESOLVE_NO_XDEV | RESOLVE_NO_LINKS
const OPEN_HOW_SIZE = 24
/** Tries per lookup, because a rename elsewhere may interrupt it with EAGAIN. */
const MAX_ATTEMPTS = 32

const EXDEV = 18

export function bindOpen(libc: Libc): KernelOpen {
  const rawOpenat = libc.bind('int openat(int dir, const void *path, int flags, uint32_t mode)')
  const rawOpenat2 = libc.bind(OPENAT2)
  const openat: KernelOpen['openat'] = (dir, path, flags, mode = 0) =>
    rawOpenat(dir, cString(path), flags | O_CLOEXEC, mode)
  const viaOpenat2: KernelOpen['openBeneath'] = (dir, path, flags, mode = 0) =>
    openat2(rawOpenat2, dir, cString(path), openHow(flags, mode, RESOLVE))
  if (!hasOpenat2(viaOpenat2)) {
    return {
      openat,
      openBeneath: (dir, path, flags, mode) => openStepwise(openat, { dir, path, flags, mode }),
      openAcrossMounts: (dir, path, flags) => openStepwise(openat, { dir, path, flags, acrossMounts: true }),
    }
  }
  const openAcrossMounts: KernelOpen['openAcrossMounts'] = (dir, path, flags) =>
    openat2(rawOpenat2, dir, cString(path), openHow(flags, 0, RESOLVE_NO_LINKS))
  return { openat, openBeneath: viaOpenat2, openAcrossMounts }
}

/** Builds a `struct open_how`: flags, mode, resolve. */
export function openHow(flags: number, mode: number, resolve: number): Buffer {
  const how = Buffer.allocUnsafe(OPEN_HOW_SIZE)
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(mode), 8)
  how.writeBigUInt64LE(BigInt(resolve), 16)
  return how
}

function openat2(call: SystemCall, dir: number, path: Buffer, how: Buffer): number {
  for (let attempt = 1; ; attempt++) {
    try {
      return call(SYS_OPENAT2, dir, path, how, how.length)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      if (error.code !== 'EAGAIN' || attempt === MAX_ATTEMPTS) throw new KernelError(error.errno, 'openat2')
    }
  }
}

function hasOpenat2(open: KernelOpen['openBeneath']): boolean {
  try {
    closeSync(open(AT_FDCWD, Buffer.from('.'), O_PATH))
    return true
  } catch (error) {
    return error instanceof KernelError && !['ENOSYS', 'EPERM'].includes(error.code)
  }
}

interface OpenRequest {
  dir: number
  path: Buffer
  flags: number
  mode?: number | undefined
  acrossMounts?: boolean
}

/** The fallback for openat2: opens one component after the other, each with O_NOFOLLOW. */
export function openStepwise(openat: KernelOpen['openat'], request: OpenRequest): number {
  const { dir, path, flags, mode, acrossMounts = false } = request
  const names = splitPath(path)
  const device = fstatSync(dir).dev
  let at = dir
  for (const [step, name] of names.entries()) {
    const last = step === names.length - 1
    const wanted = last ? flags : O_PATH | constants.O_DIRECTORY
    const from = at
    try {
      at = openat(from, name, wanted | constants.O_NOFOLLOW, mode)
    } finally {
      if (from !== dir) closeSync(from)
    }
    if (!acrossMounts) refuseOtherDevice(at, device)
  }
  return at
}

function refuseOtherDevice(fd: number, device: number): void {
  if (fstatSync(fd).dev === device) return
  closeSync(fd)
  throw new KernelError(EXDEV, 'openat')
}

/** Throws EXDEV for an absolute path and for `..`, like openat2. */
function splitPath(path: Buffer): Buffer[] {
  const names = path.toString('latin1').split('/')
  if (names[0] === '' || names.includes('..')) throw new KernelError(EXDEV, 'openat')
  return names.filter((name) => name !== '').map((name) => Buffer.from(name, 'latin1'))
}
