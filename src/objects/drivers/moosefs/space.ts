import { realpath, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { byteText } from '../../../lib/byte-counts.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { Space } from '../../driver.ts'
import { type MooseFsControl, openControl } from './control.ts'
import type { MooseFsPlace } from './place.ts'
import type { DirectoryQuota } from './quota.ts'

/** A quota and the directory it is set on. */
type SetQuota = DirectoryQuota & { path: string }

/** Less of the whole than this is worth a word. */
const LOW = 0.1

/**
 * The room of the store: what the chunk servers have, within the quotas on the store and above it. What lies in the
 * trash is not free before its time is over; it is told beside.
 */
export async function spaceOf(place: MooseFsPlace): Promise<Space> {
  const room = await place.within((root) => statfs(root))
  // A master that does not answer shows as a MooseFS without any room.
  if (room.blocks === 0) {
    throw new BackupdError('STORE_UNAVAILABLE', `The MooseFS of ${place.dir} does not say what room it has`)
  }
  const { trashBytes, quotas } = await asked(place)
  const quota = quotas.sort((a, b) => roomIn(a) - roomIn(b))[0]
  const totalBytes = room.blocks * room.bsize
  const freeBytes = Math.min(room.bavail * room.bsize, quota ? roomIn(quota) : Number.POSITIVE_INFINITY)
  return {
    ...{ freeBytes, totalBytes, trashBytes },
    quota: quota ? { usedBytes: quota.usedBytes, limitBytes: quota.limitBytes } : null,
    problems: [...quotas.flatMap(quotaProblem), ...roomProblem({ freeBytes, totalBytes, trashBytes })],
  }
}

interface Asked {
  trashBytes: number | null
  quotas: SetQuota[]
}

/** Nothing is known where the mount's way for tools is closed, as in a container with a network of its own. */
async function asked(place: MooseFsPlace): Promise<Asked> {
  try {
    const { top } = await place.mount()
    if (top === undefined) return { trashBytes: null, quotas: [] }
    const control = await openControl(top)
    return { trashBytes: await control.trashBytes(), quotas: await quotasOn(control, place.dir, top) }
  } catch {
    return { trashBytes: null, quotas: [] }
  }
}

/** Each directory from the store up to the top of the mount may have one, and all of them count. */
async function quotasOn(control: MooseFsControl, dir: string, top: string): Promise<SetQuota[]> {
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
  if (isOver)
    return [
      `The soft quota of ${path} is passed (${used}): when its grace period is over, nothing can be written`,
    ]
  if (roomIn(quota) < LOW * limitBytes) return [`The quota of ${path} is nearly used up: ${used}`]
  return []
}

function roomProblem({ freeBytes, totalBytes, trashBytes }: Omit<Space, 'quota' | 'problems'>): string[] {
  if (freeBytes >= LOW * totalBytes) return []
  const left = `The store has ${byteText(freeBytes)} of ${byteText(totalBytes)} left`
  if (!trashBytes) return [left]
  return [
    `${left}; ${byteText(trashBytes)} of what was deleted lie in MooseFS's trash and come free when their time there is over`,
  ]
}
