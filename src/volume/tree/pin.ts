import { type BigIntStats, close, closeSync, constants, fstatSync, lstat, open, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { KernelError } from '../../lib/kernel/libc.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import type { Kernel } from '../../lib/kernel.ts'

/**
 * One inode held fast: whatever happens to its name afterwards, this stays it. On Linux an O_PATH descriptor, which
 * can be had of anything without opening it; elsewhere only its path, checked again at each opening.
 */
export interface Pin {
  /** -1 where it is only a path. */
  readonly fd: number
  /** A path that leads to it. */
  readonly place: Buffer
  /** The kernel has it in memory: to open it takes no time. */
  readonly cached: boolean
  readonly stat: BigIntStats
}

const HAS_PROC = process.platform === 'linux'
/** Something else took its place. */
const ESTALE = 116
/** Never waits for a fifo's other end, never becomes the terminal of this process. */
const OPEN_TO_READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

const opened = promisify(open)
const lstatOf = promisify(lstat)

/** Pins a path that is trusted: links in it are followed. */
export function pinPath(path: string): Promise<Pin> {
  return HAS_PROC ? pinByDescriptor(Buffer.from(path), 0) : pinByPath(Buffer.from(path))
}

/** Pins an entry of a pinned directory: a symlink as itself. Throws ENOENT where it is gone. At once where the kernel has it in memory. */
export function pinChild(directory: Pin, name: Buffer, kernel: Kernel | undefined): Pin | Promise<Pin> {
  return pinIfCached(directory, name, kernel) ?? pinWaiting(directory, name)
}

/** As pinChild, but for a path of several components too; undefined if the kernel does not have all of it in memory. */
export function pinIfCached(directory: Pin, path: Buffer, kernel: Kernel | undefined): Pin | undefined {
  const fd = kernel?.pinCached(directory.fd, path)
  return fd === undefined ? undefined : pinOf(fd, true)
}

async function pinWaiting(directory: Pin, name: Buffer): Promise<Pin> {
  const place = childPlace(directory, name)
  return await (HAS_PROC ? pinByDescriptor(place, constants.O_NOFOLLOW) : pinByPath(place))
}

export function childPlace(directory: Pin, name: Buffer): Buffer {
  return Buffer.concat([directory.place, Buffer.from('/'), name])
}

async function pinByDescriptor(path: Buffer, flags: number): Promise<Pin> {
  return pinOf(await opened(path, O_PATH | flags), false)
}

function pinOf(fd: number, cached: boolean): Pin {
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

  /** Made when it is asked for: most pins are never opened again. */
  get place(): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}`, 'latin1')
  }
}

async function pinByPath(place: Buffer): Promise<Pin> {
  return { fd: -1, place, cached: false, stat: await lstatOf(place, { bigint: true }) }
}

export function unpin(pin: Pin): void {
  if (pin.fd >= 0) closeSync(pin.fd)
}

/** Opens for reading what the kernel has in memory. */
export function openCached(pin: Pin): number {
  return openSync(pin.place, OPEN_TO_READ)
}

/** Opens what is pinned for reading; `closePinned` closes it. */
export async function openPinned(pin: Pin): Promise<{ fd: number; stat: BigIntStats }> {
  const flags = OPEN_TO_READ | (pin.fd >= 0 ? 0 : constants.O_NOFOLLOW)
  const fd = pin.cached ? openCached(pin) : await opened(pin.place, flags)
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (!isSame(stat, pin.stat)) throw new KernelError(ESTALE, 'open')
    return { fd, stat }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Off this thread, where closing may ask a server. */
export function closePinned(pin: Pin, fd: number): void {
  if (pin.cached) closeSync(fd)
  else close(fd, () => {})
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  const type = BigInt(constants.S_IFMT)
  return a.dev === b.dev && a.ino === b.ino && (a.mode & type) === (b.mode & type)
}
