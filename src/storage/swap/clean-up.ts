import type { HeldVolume } from '../../lib/held-volume.ts'
import { dropPointer, type Pointer } from './pointer.ts'
import { restoreTime } from './restore-time.ts'
import { isInside, removeStaging, stagingPlace } from './staging-folders.ts'

/** Removes the staging, or what may go of it, and forgets the recover. */
export async function cleanUp(dataDir: string, pointer: Pointer, volume: HeldVolume): Promise<void> {
  const isGone = !volume.exists && isInside(pointer.staging, pointer.volume)
  if (!isGone) await removeStaging(stagingPlace(pointer, volume))
  await restoreTime(pointer, volume)
  await dropPointer(dataDir, pointer.rid)
}
