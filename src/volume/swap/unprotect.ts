import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { errnoOf, isSystemError } from '../../lib/errors.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { PROTECTING_FLAGS } from '../tree/inode-flags.ts'

/** Runs `act`; if the immutable or append-only flag forbids it, clears the flag and runs it again. */
export function withoutProtection<T>(place: Buffer, act: () => T): T {
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

/** Flags to open any kind of file without side effects, only to refer to it. */
export const PIN = O_PATH | constants.O_NOFOLLOW

/**
 * Opens a pinned regular file or directory for reading; only these have inode flags. Undefined for anything else,
 * because opening a device has effects: a tape rewinds, a watchdog starts. The caller closes both descriptors.
 */
export function reopenPlain(pin: number): number | undefined {
  const stats = fstatSync(pin)
  if (!stats.isFile() && !stats.isDirectory()) return undefined
  return openSync(`/proc/self/fd/${pin}`, constants.O_RDONLY | constants.O_NONBLOCK)
}

/** Whether it is immutable or append-only; false also if it cannot be opened. */
export function isProtected(place: Buffer): boolean {
  try {
    const fd = openPlain(place)
    if (fd === undefined) return false
    try {
      return readProtection(fd) !== 0
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!isSystemError(error)) throw error
    return false
  }
}

/** The "immutable" and "append-only" flags of an open file or directory. */
export function readProtection(fd: number): number {
  return (loadKernel()?.getFlags(fd) ?? 0) & PROTECTING_FLAGS
}

/** Clears "immutable" and "append-only" of an open file or directory. False if neither was set, or it was refused. */
export function unprotectOpen(fd: number): boolean {
  const kernel = loadKernel()
  const flags = kernel?.getFlags(fd) ?? 0
  if (!kernel || !(flags & PROTECTING_FLAGS)) return false
  try {
    kernel.setFlags(fd, flags & ~PROTECTING_FLAGS)
    return true
  } catch (error) {
    if (!isSystemError(error)) throw error
    return false
  }
}
