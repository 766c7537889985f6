import { realpath, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { byteText } from '../../../lib/byte-counts.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { Space } from '../../driver.ts'
import { type MooseFsControl, openControl } from './control.ts'
import type { MooseFsPlace } from './place.ts'
import type { DirectoryQuota } from './quota.ts'

/** A quota with the directory that it is set on. */
type SetQuota = DirectoryQuota & { path: string }

/** A problem is reported if less than this share is free. */
const LOW_SHARE = 0.1

/**
 * The space of the store: that of the chunk servers, limited by the quotas on the store and its parents. Data in the
 * trash is not free until its time there is over; it is reported separately.
 */
export async function readSpace(place: MooseFsPlace): Promise<Space> {
  const room = await place.within((root) => statfs(root))
  // If the master does not answer, statfs reports a MooseFS without any blocks.
  if (room.blocks === 0) {
    throw new BackupdError('STORE_UNAVAILABLE', `The MooseFS of ${place.dir} does not report its free space`)
  }
  const { trashBytes, quotas } = await readTrashAndQuotas(place)
  const quota = quotas.sort((a, b) => roomIn(a) - roomIn(b))[0]
  const totalBytes = room.blocks * room.bsize
  const freeBytes = Math.min(room.bavail * room.bsize, quota ? roomIn(quota) : Number.POSITIVE_INFINITY)
  return {
    freeBytes,
    totalBytes,
    trashBytes,
    quota: quota ? { usedBytes: quota.usedBytes, limitBytes: quota.limitBytes } : null,
    isEnforced: true,
    problems: [...quotas.flatMap(quotaProblem), ...roomProblem({ freeBytes, totalBytes, trashBytes })],
  }
}

interface AskedSpace {
  trashBytes: number | null
  quotas: SetQuota[]
}

/** Nothing is known if the mount cannot be reached, as in a container with its own network. */
async function readTrashAndQuotas(place: MooseFsPlace): Promise<AskedSpace> {
  try {
    const { top } = await place.mount()
    if (top === undefined) return { trashBytes: null, quotas: [] }
    const control = await openControl(top)
    return { trashBytes: await control.trashBytes(), quotas: await readQuotas(control, place.dir, top) }
  } catch {
    return { trashBytes: null, quotas: [] }
  }
}

/** Reads the quotas of the store and all its parents up to the mount's root; all of them apply. */
async function readQuotas(control: MooseFsControl, dir: string, top: string): Promise<SetQuota[]> {
  const quotas: SetQuota[] = []
  for (let path = await realpath(dir); ; path = dirname(path)) {
    const quota = await control.quota((await stat(path)).ino)
    if (quota) quotas.push({ ...quota, path })
    if (path === top || dirname(path) === path) return quotas
  }
}

function roomIn({ limitBytes, usedBytes }: DirectoryQuota): number {
  return Math.max(0, limitBytes - usedBytes)
}

function quotaProblem(quota: SetQuota): string[] {
  const { path, usedBytes, limitBytes, isOver } = quota
  const used = `${byteText(usedBytes)} of ${byteText(limitBytes)} are used`
  if (isOver) return [`The soft quota of ${path} is exceeded (${used}); writes fail after the grace period`]
  if (roomIn(quota) < LOW_SHARE * limitBytes) return [`The quota of ${path} is nearly used up: ${used}`]
  return []
}

function roomProblem({
  freeBytes,
  totalBytes,
  trashBytes,
}: Pick<Space, 'freeBytes' | 'totalBytes' | 'trashBytes'>): string[] {
  if (freeBytes >= LOW_SHARE * totalBytes) return []
  const left = `The store has ${byteText(freeBytes)} of ${byteText(totalBytes)} left`
  if (!trashBytes) return [left]
  return [`${left}. MooseFS's trash holds ${byteText(trashBytes)} and frees them after its trash time`]
}
