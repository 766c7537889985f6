import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { loadKernel } from '../../lib/kernel.ts'
import { tolerate } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import type { Pointer } from './pointer.ts'

/** EPERM: an append-only directory keeps its time until the staging is removed. */
const IGNORED = ['ENOENT', 'EROFS', 'EPERM']

/**
 * Restores the volume's own modification time, which a staging folder inside it changed. Does nothing if none was
 * saved.
 */
export async function restoreTime(
  { inode, mtimeNs }: Pick<Pointer, 'inode' | 'mtimeNs'>,
  volume: HeldVolume,
): Promise<void> {
  if (mtimeNs === null || !volume.exists) return
  await tolerate(IGNORED, async () => {
    await using folder = await open(volume.place, constants.O_RDONLY | constants.O_DIRECTORY)
    if (String((await folder.stat({ bigint: true })).ino) !== inode) return
    const kernel = loadKernel()
    if (kernel) kernel.futimens(folder.fd, { mtimeNs: BigInt(mtimeNs) })
    else await folder.utimes(new Date(), Number(mtimeNs) / 1e9)
  })
}
