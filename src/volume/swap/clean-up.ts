import { rmdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { loadKernel } from '../../lib/kernel.ts'
import { tolerate } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { openFolder } from './folder.ts'
import { deletePointer, type Pointer } from './pointer.ts'
import { restoreTime } from './restore-time.ts'
import { isInside, probeName, removeStaging, stagingPlace, tidyStaging } from './staging-folders.ts'
import { unprotectOpen } from './unprotect.ts'

/** Removes the staging folder (except content that is not ours), restores the volume's time, and deletes the pointer. */
export async function cleanUp(dataDir: string, pointer: Pointer, volume: HeldVolume): Promise<void> {
  if (volume.exists && pointer.protection) await unprotectVolume(volume)
  const isGone = !volume.exists && isInside(pointer.staging, pointer.volume)
  if (!isGone) await (keepsContent(pointer) ? tidyStaging : removeStaging)(stagingPlace(pointer, volume))
  if (volume.exists) await removeProbe(`${volume.place}/${probeName(basename(pointer.staging))}`)
  await restoreTime(pointer, volume)
  if (volume.exists && pointer.phase === 'staging') await protectVolume(pointer, volume)
  await deletePointer(dataDir, pointer.rid)
}

/** Whether the staging folder has content that is kept: after the swap, and of an undo also before. */
function keepsContent({ phase, keep, undo }: Pointer): boolean {
  return undo !== undefined || (phase === 'done' && keep !== undefined)
}

/** Clears the volume's protecting flags until `cleanUp`, so that the staging folder can be created in it and removed. */
export async function unprotectVolume(volume: HeldVolume): Promise<void> {
  await using folder = await openFolder(volume.place)
  unprotectOpen(folder.fd)
}

/** Only if the volume was not changed: a recovered volume stays unprotected, else it could not be recovered again. */
async function protectVolume({ protection }: Pointer, volume: HeldVolume): Promise<void> {
  const kernel = loadKernel()
  if (!protection || !kernel) return
  await using folder = await openFolder(volume.place)
  const flags = kernel.getFlags(folder.fd) ?? 0
  if ((flags | protection) !== flags) kernel.setFlags(folder.fd, flags | protection)
}

/** Removes the probe folder of a killed run; one that is not empty is not ours and stays. */
async function removeProbe(probe: string): Promise<void> {
  await tolerate(['ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'EROFS'], () => rmdir(probe))
}
