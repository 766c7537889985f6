import { type BigIntStats, close, closeSync, constants, fstatSync, lstat, open, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { KernelError } from '../../lib/kernel/libc.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import type { Kernel } from '../../lib/kernel.ts'

/**
 * A reference to one inode that stays valid if its name changes. On Linux an O_PATH descriptor, which exists for any
 * kind of file without opening it; on other systems only its path, checked each time it is opened.
 */
export interface Pin {
  /** -1 if it is only a path. */
  readonly fd: number
  /** A path to it. */
  readonly place: Buffer
  /** It is in the kernel's cache, so that opening it does not block. */
  readonly cached: boolean
  readonly stat: BigIntStats
}

const HAS_PROC = process.platform === 'linux'
/** The errno if another file has replaced it. */
const ESTALE = 116
/** Does not wait for the other end of a fifo, and never makes a terminal the controlling one. */
const OPEN_TO_READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

const openAsync = promisify(open)
const lstatAsync = promisify(lstat)

/** Pins a trusted path; links in it are followed. */
export function pinPath(path: string): Promise<Pin> {
  return HAS_PROC ? pinByDescriptor(Buffer.from(path), 0) : pinByPath(Buffer.from(path))
}

/**
 * Pins an entry of a pinned directory; a symlink is not followed. Throws ENOENT if it is gone. Synchronous if it is
 * cached.
 */
export function pinChild(directory: Pin, name: Buffer, kernel: Kernel | undefined): Pin | Promise<Pin> {
  return pinIfCached(directory, name, kernel) ?? pinWaiting(directory, name)
}

/** Like pinChild, also for a path of several components; undefined if a part of it is not in the kernel's cache. */
export function pinIfCached(directory: Pin, path: Buffer, kernel: Kernel | undefined): Pin | undefined {
  const fd = kernel?.pinCached(directory.fd, path)
  return fd === undefined ? undefined : makePin(fd, true)
}

async function pinWaiting(directory: Pin, name: Buffer): Promise<Pin> {
  const place = childPlace(directory, name)
  return await (HAS_PROC ? pinByDescriptor(place, constants.O_NOFOLLOW) : pinByPath(place))
}

export function childPlace(directory: Pin, name: Buffer): Buffer {
  return Buffer.concat([directory.place, Buffer.from('/'), name])
}

async function pinByDescriptor(path: Buffer, flags: number): Promise<Pin> {
  return makePin(await openAsync(path, O_PATH | flags), false)
}

function makePin(fd: number, cached: boolean): Pin {
  try {
    return new DescriptorPin(fd, cached, fstatSync(fd, { bigint: true }))
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

class DescriptorPin implements Pin {
  readonly fd: number
  readonly cached: boolean
  readonly stat: BigIntStats

  constructor(fd: number, cached: boolean, stat: BigIntStats) {
    this.fd = fd
    this.cached = cached
    this.stat = stat
  }

  /** Built on demand, because most pins are never opened. */
  get place(): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}`, 'latin1')
  }
}

async function pinByPath(place: Buffer): Promise<Pin> {
  return { fd: -1, place, cached: false, stat: await lstatAsync(place, { bigint: true }) }
}

export function unpin(pin: Pin): void {
  if (pin.fd >= 0) closeSync(pin.fd)
}

/** Opens a cached file for reading. */
export function openCached(pin: Pin): number {
  return openSync(pin.place, OPEN_TO_READ)
}

/** Opens a pinned file for reading; `closePinned` closes it. */
export async function openPinned(pin: Pin): Promise<{ fd: number; stat: BigIntStats }> {
  const flags = OPEN_TO_READ | (pin.fd >= 0 ? 0 : constants.O_NOFOLLOW)
  const fd = pin.cached ? openCached(pin) : await openAsync(pin.place, flags)
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (!isSame(stat, pin.stat)) throw new KernelError(ESTALE, 'open')
    return { fd, stat }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Closes it in another thread if closing may wait for a server. */
export function closePinned(pin: Pin, fd: number): void {
  if (pin.cached) closeSync(fd)
  else close(fd, () => {})
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  const type = BigInt(constants.S_IFMT)
  return a.dev === b.dev && a.ino === b.ino && (a.mode & type) === (b.mode & type)
}
