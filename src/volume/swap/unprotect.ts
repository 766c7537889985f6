import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { PROTECTING_FLAGS } from '../tree/inode-flags.ts'

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
  let fd: number | undefined
  try {
    fd = openPlain(place)
  } catch {
    return false
  }
  if (fd === undefined) return false
  try {
    return unprotectOpen(fd)
  } finally {
    closeSync(fd)
  }
}

function openPlain(place: Buffer): number | undefined {
  const pin = openSync(place, PIN)
  try {
    return reopenPlain(pin)
  } finally {
    closeSync(pin)
  }
}

/** To pin what may be anything. */
export const PIN = O_PATH | constants.O_NOFOLLOW

/**
 * Opens what is pinned for reading if it is a regular file or a directory, which alone have flags. Undefined for
 * anything else: a tape rewinds, and a watchdog starts, when it is opened. The caller closes both.
 */
export function reopenPlain(pin: number): number | undefined {
  const stats = fstatSync(pin)
  if (!stats.isFile() && !stats.isDirectory()) return undefined
  return openSync(`/proc/self/fd/${pin}`, constants.O_RDONLY | constants.O_NONBLOCK)
}

/** False also for what cannot be opened. */
export function isProtected(place: Buffer): boolean {
  try {
    const fd = openPlain(place)
    if (fd === undefined) return false
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
