import { constants } from 'node:os'
import { errnoOf } from '../../../lib/errors.ts'
import { KernelError } from '../../../lib/kernel/libc.ts'
import { type Pin, pinChild, pinIfCached, unpin } from '../pin.ts'
import { typeOf } from '../stat-entry.ts'
import type { OpenVolume } from '../volume.ts'

/** The kernel takes paths up to 4096 bytes in one call. */
const MAX_AT_ONCE = 2048
/** The directory was removed or moved, or a file or a link took its place. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE', 'EXDEV'])

export function isGone(error: unknown): boolean {
  return GONE.has(errnoOf(error) ?? '')
}

/**
 * Pins a directory of the volume by its path, and returns the volume's own pin for the volume itself. Follows no link,
 * neither on the way nor at the end. Throws an error that isGone() accepts if no directory has this path.
 */
export async function pinFolder(volume: OpenVolume, path: Buffer): Promise<Pin> {
  if (path.length === 0) return volume.pin
  const cached = path.length <= MAX_AT_ONCE ? pinIfCached(volume.pin, path, volume.kernel) : undefined
  return cached ? requireFolder(cached) : await pinByComponents(volume, path)
}

async function pinByComponents(volume: OpenVolume, path: Buffer): Promise<Pin> {
  let at = volume.pin
  for (const name of path.toString('latin1').split('/')) {
    const parent = at
    try {
      at = requireFolder(await pinChild(parent, Buffer.from(name, 'latin1'), volume.kernel))
    } finally {
      unpinFolder(volume, parent)
    }
  }
  return at
}

function requireFolder(pin: Pin): Pin {
  if (typeOf(pin.stat) === 'directory') return pin
  unpin(pin)
  throw new KernelError(constants.errno.ENOTDIR, 'open')
}

export function unpinFolder(volume: OpenVolume, pin: Pin): void {
  if (pin !== volume.pin) unpin(pin)
}
