import { errnoOf } from '../../../lib/errors.ts'
import { type Pin, pinChild, unpin } from '../pin.ts'
import type { OpenVolume } from '../volume.ts'

/** The kernel takes paths up to 4096 bytes in one call. */
const AT_ONCE = 2048
const SLASH = 0x2f
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE']

/** Pins a directory of the volume by its path; the volume itself is given as it is. Undefined if it is not there. */
export async function pinFolder(volume: OpenVolume, path: Buffer): Promise<Pin | undefined> {
  if (path.length === 0) return volume.pin
  try {
    return await pinSteps(volume, path)
  } catch (error) {
    if (GONE.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

async function pinSteps(volume: OpenVolume, path: Buffer): Promise<Pin> {
  let at = volume.pin
  for (let rest = path; rest.length > 0; ) {
    const end = rest.length <= AT_ONCE ? rest.length : rest.lastIndexOf(SLASH, AT_ONCE)
    const before = at
    try {
      at = await pinChild(before, rest.subarray(0, end), volume.kernel)
    } finally {
      unpinFolder(volume, before)
    }
    rest = rest.subarray(end + 1)
  }
  return at
}

export function unpinFolder(volume: OpenVolume, pin: Pin): void {
  if (pin !== volume.pin) unpin(pin)
}
