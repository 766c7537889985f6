import { readdir, readFile, readlink } from 'node:fs/promises'
import { isSystemError } from '../../lib/errors.ts'
import type { Mount } from '../../lib/mount-info.ts'
import { isProcessGone, readProcLink } from './foreign-proc.ts'
import { type Held, listHeld } from './held-things.ts'
import { findPlaceOnDevice, isWithin, type PlaceOnDevice, printMountPath, readMounts } from './mount-table.ts'

export interface VolumeUser {
  pid: number
  /** Name of the program, as `ps` shows it. */
  command: string
  /** The first thing found: `working directory`, `open file wal/000001.log`, … relative to the volume. */
  what: string
}

export interface FoundUsers {
  users: VolumeUser[]
  /** Processes that could not be inspected completely and are not known to use the volume. No kernel threads. */
  unseen: UnseenProcess[]
}

export type UnseenProcess = Pick<VolumeUser, 'pid' | 'command'>

/**
 * Finds processes that hold something in a volume: working directory, root, open files and directories, mapped files.
 *
 * A container sees the volume under another path, so paths are compared as places (device and path on it), translated
 * by the mounts of each process. Not found: threads with a working directory of their own, files in transit in
 * sockets, users of a network file system on other machines.
 * @param volume its real path
 */
export async function findUsers(volume: string): Promise<FoundUsers> {
  const place = findPlaceOnDevice(printMountPath(volume), await readMounts('self'))
  const found: FoundUsers = { users: [], unseen: [] }
  if (!place) return found
  const mountsOf = createMountsReader()
  for (const pid of await otherProcesses()) {
    const { what, unseen } = await inspectProcess(pid, place, mountsOf)
    if (what !== undefined) found.users.push({ pid, command: await readCommand(pid), what })
    else if (unseen && !(await isKernelThread(pid)))
      found.unseen.push({ pid, command: await readCommand(pid) })
  }
  return found
}

async function otherProcesses(): Promise<number[]> {
  const names = await readdir('/proc')
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
}

type MountsOf = (pid: number) => Promise<Mount[]>

/** Reads the mounts once for each mount namespace and root: their processes see the same mounts. */
function createMountsReader(): MountsOf {
  const known = new Map<string, Mount[]>()
  return async (pid) => {
    const root = await readProcLink(`/proc/${pid}/root`)
    const key = `${await readlink(`/proc/${pid}/ns/mnt`)} ${root}`
    const mounts = known.get(key) ?? (await readMountsUnder(pid, root))
    known.set(key, mounts)
    return mounts
  }
}

/** A process in a chroot lists its mounts relative to its root, while links in /proc are relative to the real root. */
async function readMountsUnder(pid: number, root: string): Promise<Mount[]> {
  const mounts = await readMounts(pid)
  if (root === '/') return mounts
  const moved = mounts.map((mount) => ({ ...mount, point: mount.point === '/' ? root : root + mount.point }))
  return [...(await readMounts('self')), ...moved]
}

interface Inspection {
  what?: string
  /** Something could not be inspected. */
  unseen: boolean
}

async function inspectProcess(pid: number, volume: PlaceOnDevice, mountsOf: MountsOf): Promise<Inspection> {
  let unseen = false
  try {
    const mounts = await mountsOf(pid)
    for await (const held of listHeld(pid)) {
      const inspection = inspectHeld(held, volume, mounts)
      if (inspection.what !== undefined) return inspection
      unseen ||= inspection.unseen
    }
  } catch (error) {
    if (!isSystemError(error)) throw error
    unseen ||= !isProcessGone(error)
  }
  return { unseen }
}

function inspectHeld({ kind, path, mount }: Held, volume: PlaceOnDevice, mounts: Mount[]): Inspection {
  if (path === undefined) {
    const where = mounts.find(({ id }) => id === mount)
    return inspectByMount(kind, volume, where)
  }
  const inside = pathInside(path, volume, mounts)
  if (inside === undefined) return { unseen: false }
  return { what: inside === '' ? kind : `${kind} ${Buffer.from(inside, 'latin1')}`, unseen: false }
}

/** For a file without a known path, compares mounts: inside the volume, disjoint from it, or above it (unknown). */
function inspectByMount(kind: string, volume: PlaceOnDevice, mount: Mount | undefined): Inspection {
  if (!mount) return { unseen: true }
  if (mount.device !== volume.device) return { unseen: false }
  if (isWithin(mount.root, volume.path))
    return { what: `${kind} whose path is too long to be read`, unseen: false }
  return { unseen: isWithin(volume.path, mount.root) }
}

function pathInside(path: string, volume: PlaceOnDevice, mounts: Mount[]): string | undefined {
  if (!path.startsWith('/')) return undefined
  const place = findPlaceOnDevice(path, mounts)
  if (!place || place.device !== volume.device || !isWithin(place.path, volume.path)) return undefined
  return place.path.slice(volume.path.length).replace(/^\//, '')
}

const PF_KTHREAD = 0x00200000

/** Kernel threads have no files of their own. A process that has ended counts as one. */
async function isKernelThread(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (stat === undefined) return true
  // After the name, which may contain anything: state, ppid, pgrp, session, tty, tpgid, flags (proc(5)).
  const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]
  return (Number(flags) & PF_KTHREAD) !== 0
}

async function readCommand(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim()
}
