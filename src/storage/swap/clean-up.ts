import { rmdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { errnoOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../../lib/held-volume.ts'
import { dropPointer, type Pointer } from './pointer.ts'
import { restoreTime } from './restore-time.ts'
import { isInside, probeName, removeStaging, stagingPlace } from './staging-folders.ts'

/** Removes the staging, or what may go of it, and forgets the recover. */
export async function cleanUp(dataDir: string, pointer: Pointer, volume: HeldVolume): Promise<void> {
  const isGone = !volume.exists && isInside(pointer.staging, pointer.volume)
  if (!isGone) await removeStaging(stagingPlace(pointer, volume))
  if (volume.exists) await removeProbe(`${volume.place}/${probeName(basename(pointer.staging))}`)
  await restoreTime(pointer, volume)
  await dropPointer(dataDir, pointer.rid)
}

/** A killed run may have left it; what is not empty is not ours. */
async function removeProbe(probe: string): Promise<void> {
  try {
    await rmdir(probe)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'EROFS'].includes(errnoOf(error) ?? '')) throw error
  }
}
