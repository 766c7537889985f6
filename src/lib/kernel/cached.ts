import { closeSync, constants } from 'node:fs'
import { AT_FDCWD, KernelError, type Libc, passingCString } from './libc.ts'
import { O_PATH, OPENAT2, openHow, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, SYS_OPENAT2 } from './open.ts'

/** Reads what the kernel has in memory, without waiting for a disk or a server. */
export interface KernelCached {
  /**
   * Pins an entry below `dir` (O_PATH, links not followed); undefined if it cannot be found without waiting. Throws
   * ELOOP if a component on the way is a link.
   */
  pinCached(dir: number, path: Buffer): number | undefined
  /**
   * Reads from the page cache; undefined if it would wait or the file system cannot say. Returns fewer bytes than
   * `into` (its first `length` bytes) can take at the end of the file, or if the rest would wait.
   */
  readCached(fd: number, into: Buffer, position: number, length?: number): number | undefined
}

const RESOLVE_CACHED = 0x20
const O_NOFOLLOW_PATH = O_PATH | constants.O_NOFOLLOW
const RWF_NOWAIT = 0x08

const EAGAIN = 11
const EOPNOTSUPP = 95

export function bindCached(libc: Libc): KernelCached {
  return { pinCached: bindPin(libc), readCached: bindRead(libc) }
}

function bindPin(libc: Libc): KernelCached['pinCached'] {
  const openat2 = libc.attempt(OPENAT2)
  const how = openHow(O_NOFOLLOW_PATH, 0, RESOLVE_CACHED | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
  const pin = (dir: number, name: Buffer) => openat2(SYS_OPENAT2, dir, passingCString(name), how, how.length)
  const probe = pin(AT_FDCWD, Buffer.from('.'))
  if (probe >= 0) closeSync(probe)
  // Before Linux 5.12, or if a filter forbids it, nothing counts as cached.
  else if (probe !== -EAGAIN) return () => undefined
  return (dir, name) => unlessWaiting(pin(dir, name), 'openat2')
}

function bindRead(libc: Libc): KernelCached['readCached'] {
  const preadv2 = libc.attempt(
    'int64_t preadv2(int fd, const void *iov, int count, int64_t offset, int flags)',
  )
  const iovec = Buffer.alloc(16)
  let last: Buffer | undefined
  return (fd, into, position, length = into.length) => {
    if (into !== last) iovec.writeBigUInt64LE(libc.addressOf(into), 0)
    last = into
    iovec.writeUInt32LE(length, 8)
    return unlessWaiting(preadv2(fd, iovec, 1, position, RWF_NOWAIT), 'preadv2')
  }
}

function unlessWaiting(result: number, call: string): number | undefined {
  if (result >= 0) return result
  if (result === -EAGAIN || result === -EOPNOTSUPP) return undefined
  throw new KernelError(-result, call)
}
