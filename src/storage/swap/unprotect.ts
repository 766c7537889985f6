import { closeSync, constants, openSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { PROTECTING_FLAGS } from '../tree/inode-flags.ts'

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Calls `act` again without the flags that forbid it: what is in the way of a recover goes, immutable or not. */
export function despiteProtection<T>(place: Buffer, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (errnoOf(error) !== 'EPERM' || !unprotect(place)) throw error
    return act()
  }
}

function unprotect(place: Buffer): boolean {
  let fd: number
  try {
    fd = openSync(place, READ)
  } catch {
    return false
  }
  try {
    return unprotectOpen(fd)
  } finally {
    closeSync(fd)
  }
}

/** False also for what cannot be opened. */
export function isProtected(place: Buffer): boolean {
  try {
    const fd = openSync(place, READ)
    try {
      return protectionOf(fd) !== 0
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

/** Which of "immutable" and "append-only" an open file or directory has. */
export function protectionOf(fd: number): number {
  return (loadKernel()?.getFlags(fd) ?? 0) & PROTECTING_FLAGS
}

/** Takes "immutable" and "append-only" off an open file or directory. False where there is nothing to take off. */
export function unprotectOpen(fd: number): boolean {
  const kernel = loadKernel()
  const flags = kernel?.getFlags(fd) ?? 0
  if (!kernel || !(flags & PROTECTING_FLAGS)) return false
  try {
    kernel.setFlags(fd, flags & ~PROTECTING_FLAGS)
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}
