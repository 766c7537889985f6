import { readdir, readFile, readlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import type { Mount } from '../../lib/mount-info.ts'
import { isGone, readProcLink } from './foreign-proc.ts'
import { type Held, heldThings } from './held-things.ts'
import { isWithin, type Place, pathText, placeOf, readMounts } from './mount-table.ts'

export interface VolumeUser {
  pid: number
  /** Name of the program, as `ps` shows it. */
  command: string
  /** The first thing found: `working directory`, `open file wal/000001.log`, … relative to the volume. */
  what: string
}

export interface FoundUsers {
  users: VolumeUser[]
  /** Processes of which something cannot be seen, and none of the rest is in the volume. Kernel threads are left out. */
  unseen: UnseenProcess[]
}

export type UnseenProcess = Pick<VolumeUser, 'pid' | 'command'>

/**
 * The processes that hold something in a volume: working directory, root, open files and directories, mapped files.
 *
 * A container sees the volume under another path, so paths are compared as places (file system and path on it), each
 * translated by the mounts of the process that holds it. Not found: threads that left their process's working
 * directory, files handed around in sockets, users on other machines of a network file system.
 * @param volume its real path
 */
export async function findUsers(volume: string): Promise<FoundUsers> {
  const place = placeOf(pathText(volume), await readMounts('self'))
  const found: FoundUsers = { users: [], unseen: [] }
  if (!place) return found
  const mountsOf = mountsByNamespace()
  for (const pid of await otherProcesses()) {
    const { what, unseen } = await lookInto(pid, place, mountsOf)
    if (what !== undefined) found.users.push({ pid, command: await commandOf(pid), what })
    else if (unseen && !(await isKernelThread(pid))) found.unseen.push({ pid, command: await commandOf(pid) })
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

/** Processes of one mount namespace and root see the same mounts: read once. */
function mountsByNamespace(): MountsOf {
  const known = new Map<string, Mount[]>()
  return async (pid) => {
    const root = await readProcLink(`/proc/${pid}/root`)
    const key = `${await readlink(`/proc/${pid}/ns/mnt`)} ${root}`
    const mounts = known.get(key) ?? (await mountsUnder(pid, root))
    known.set(key, mounts)
    return mounts
  }
}

/** A process that changed its root lists its mounts from there, while links in /proc count from above. */
async function mountsUnder(pid: number, root: string): Promise<Mount[]> {
  const mounts = await readMounts(pid)
  if (root === '/') return mounts
  const moved = mounts.map((mount) => ({ ...mount, point: mount.point === '/' ? root : root + mount.point }))
  return [...(await readMounts('self')), ...moved]
}

interface Look {
  what?: string
  /** Not all of it could be seen. */
  unseen: boolean
}

async function lookInto(pid: number, volume: Place, mountsOf: MountsOf): Promise<Look> {
  let unseen = false
  try {
    const mounts = await mountsOf(pid)
    for await (const held of heldThings(pid)) {
      const look = lookAt(held, volume, mounts)
      if (look.what !== undefined) return look
      unseen ||= look.unseen
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    unseen ||= !isGone(error)
  }
  return { unseen }
}

function lookAt({ kind, path, mount }: Held, volume: Place, mounts: Mount[]): Look {
  if (path === undefined) {
    const where = mounts.find(({ id }) => id === mount)
    return byMount(kind, volume, where)
  }
  const inside = pathInside(path, volume, mounts)
  if (inside === undefined) return { unseen: false }
  return { what: inside === '' ? kind : `${kind} ${Buffer.from(inside, 'latin1')}`, unseen: false }
}

/** Without its path: containers mount the volume alone, and others of the same file system nothing of it. */
function byMount(kind: string, volume: Place, mount: Mount | undefined): Look {
  if (!mount) return { unseen: true }
  if (mount.device !== volume.device) return { unseen: false }
  if (isWithin(mount.root, volume.path))
    return { what: `${kind} whose path is too long to be read`, unseen: false }
  return { unseen: isWithin(volume.path, mount.root) }
}

function pathInside(path: string, volume: Place, mounts: Mount[]): string | undefined {
  if (!path.startsWith('/')) return undefined
  const place = placeOf(path, mounts)
  if (!place || place.device !== volume.device || !isWithin(place.path, volume.path)) return undefined
  return place.path.slice(volume.path.length).replace(/^\//, '')
}

const PF_KTHREAD = 0x00200000

/** It has no files of its own. One that is gone by now counts as one. */
async function isKernelThread(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (stat === undefined) return true
  // Behind the name, which may hold anything: state, ppid, pgrp, session, tty, tpgid, flags (proc(5)).
  const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]
  return (Number(flags) & PF_KTHREAD) !== 0
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim()
}
