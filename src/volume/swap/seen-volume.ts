import { fstatSync, readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'
import { BackupdError } from '../../lib/errors.ts'
import { majorOf } from '../../lib/kernel/device-number.ts'
import { mountIdOf } from '../tree/mounts.ts'
import type { Folder } from './folder.ts'

/** What tells a volume, besides its inode number, from whatever has its path after a crash. */
export const seenVolumeSchema = z.object({
  /** Empty if the file system does not keep it. */
  birthtimeNs: z.string(),
  device: z.string(),
  /** Empty if the system does not say. */
  mount: z.string(),
  /** The boot and the mount namespace in which `device` and `mount` count. */
  boot: z.string(),
  namespace: z.string(),
})
type SeenVolume = z.infer<typeof seenVolumeSchema>

/** A volume as it is now. */
export function seeVolume({ fd }: Folder): { inode: string; mtimeNs: string; seen: SeenVolume } {
  const { ino, mtimeNs, birthtimeNs, dev } = fstatSync(fd, { bigint: true })
  const seen = {
    birthtimeNs: birthtimeNs > 0n ? String(birthtimeNs) : '',
    device: String(dev),
    mount: mountIdOf(fd),
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    namespace: readlinkSync('/proc/self/ns/mnt'),
  }
  return { inode: String(ino), mtimeNs: String(mtimeNs), seen }
}

interface Expected {
  volume: string
  inode: string | null
  seen?: SeenVolume | undefined
}

/** @throws VOLUME_MISSING if the folder is not the directory that was seen. */
export function checkSameVolume({ volume, inode, seen: before }: Expected, folder: Folder): void {
  const { inode: inodeNow, seen: now } = seeVolume(folder)
  if (inodeNow !== inode) throw notTheSame(volume, 'another inode')
  if (!before) return
  if (before.birthtimeNs !== now.birthtimeNs) throw notTheSame(volume, 'another time of birth')
  if (isOtherMount(before, now)) throw notTheSame(volume, 'another mount')
}

/** A copy of the file system, such as a snapshot mounted in its place, has the same inodes and times of birth. */
function isOtherMount(before: SeenVolume, now: SeenVolume): boolean {
  if (before.boot !== now.boot || before.namespace !== now.namespace) return false
  // The same disk mounted once more gets another mount id; numbers of other file systems are given to others later.
  const isSameDisk = before.device === now.device && majorOf(BigInt(now.device)) !== 0
  return before.mount !== now.mount && !isSameDisk
}

function notTheSame(volume: string, what: string): BackupdError {
  return new BackupdError(
    'VOLUME_MISSING',
    `"${volume}" is not the directory it was (${what}): see its mount`,
  )
}
