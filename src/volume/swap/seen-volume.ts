import { fstatSync, readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'
import { BackupdError } from '../../lib/errors.ts'
import { readMajor } from '../../lib/kernel/device-number.ts'
import { findMountId } from '../tree/mounts.ts'
import type { Folder } from './folder.ts'

/**
 * Identifies a volume, together with its inode number, so that another directory at its path is noticed after a
 * crash.
 */
export const seenVolumeSchema = z.object({
  /** Empty if the file system does not record it. */
  birthtimeNs: z.string(),
  device: z.string(),
  /** The mount id; empty if the kernel does not report it. */
  mount: z.string(),
  /** `device` and `mount` are only comparable within the same boot and mount namespace. */
  boot: z.string(),
  namespace: z.string(),
})
type SeenVolume = z.infer<typeof seenVolumeSchema>

/** Reads the identity of a volume now. */
export function readIdentity({ fd }: Folder): { inode: string; mtimeNs: string; seen: SeenVolume } {
  const { ino, mtimeNs, birthtimeNs, dev } = fstatSync(fd, { bigint: true })
  const seen = {
    birthtimeNs: birthtimeNs > 0n ? String(birthtimeNs) : '',
    device: String(dev),
    mount: findMountId(fd),
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

/** @throws VOLUME_MISSING if the folder is not the directory whose identity was recorded */
export function checkSameVolume({ volume, inode, seen: before }: Expected, folder: Folder): void {
  const { inode: inodeNow, seen: now } = readIdentity(folder)
  if (inodeNow !== inode) throw notTheSame(volume, 'another inode')
  if (!before) return
  if (before.birthtimeNs !== now.birthtimeNs) throw notTheSame(volume, 'another birth time')
  if (isOtherMount(before, now)) throw notTheSame(volume, 'another mount')
}

/**
 * Detects a copy of the file system, such as an LVM snapshot mounted in its place, with equal inodes and birth
 * times.
 */
function isOtherMount(before: SeenVolume, now: SeenVolume): boolean {
  if (before.boot !== now.boot || before.namespace !== now.namespace) return false
  // A disk that is mounted again gets a new mount id. Device numbers with major 0 (no disk) are reused, and prove
  // nothing.
  const isSameDisk = before.device === now.device && readMajor(BigInt(now.device)) !== 0
  return before.mount !== now.mount && !isSameDisk
}

function notTheSame(volume: string, what: string): BackupdError {
  return new BackupdError(
    'VOLUME_MISSING',
    `"${volume}" is not the same directory as before (${what}): check its mount`,
  )
}
