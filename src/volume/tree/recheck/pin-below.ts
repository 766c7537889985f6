import { constants } from 'node:os'
import { errnoOf } from '../../../lib/errors.ts'
import { KernelError } from '../../../lib/kernel/libc.ts'
import { type Pin, pinChild, pinIfCached, unpin } from '../pin.ts'
import { readEntryType } from '../stat-entry.ts'
import type { OpenVolume } from '../volume.ts'

/** Well below PATH_MAX, the limit of the kernel for one call. */
const MAX_PATH_BYTES = 2048
/** Errors if the directory was removed or moved, or replaced by a file or link. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE', 'EXDEV'])

export function isGone(error: unknown): boolean {
  return GONE.has(errnoOf(error) ?? '')
}

/**
 * Pins a directory of the volume by its path; for the volume itself, returns the volume's own pin. Follows no link,
 * neither on the way nor at the end. Throws an error for which isGone() is true if no directory has this path.
 */
export async function pinFolder(volume: OpenVolume, path: Buffer): Promise<Pin> {
  if (path.length === 0) return volume.pin
  const cached = path.length <= MAX_PATH_BYTES ? pinIfCached(volume.pin, path, volume.kernel) : undefined
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
  if (readEntryType(pin.stat) === 'directory') return pin
  unpin(pin)
  throw new KernelError(constants.errno.ENOTDIR, 'open')
}

export function unpinFolder(volume: OpenVolume, pin: Pin): void {
  if (pin !== volume.pin) unpin(pin)
}
