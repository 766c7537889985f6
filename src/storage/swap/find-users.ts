import { readdir, readFile, readlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import { type Mount, unescapeOctal } from '../../lib/mount-info.ts'
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
  /** Processes that this user may not look into. */
  unseen: number
}

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
  const found: FoundUsers = { users: [], unseen: 0 }
  if (!place) return found
  const mountsOf = mountsByNamespace()
  for (const pid of await otherProcesses()) {
    const what = await heldBy(pid, place, mountsOf).catch(ignoreGone)
    if (what === 'unseen') found.unseen++
    else if (what !== undefined) found.users.push({ pid, command: await commandOf(pid), what })
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

/** Kernel threads and processes that end meanwhile hold nothing; what we may not read is said. */
function ignoreGone(error: unknown): 'unseen' | undefined {
  const code = errnoOf(error)
  if (code === 'EACCES' || code === 'EPERM') return 'unseen'
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return undefined
  throw error
}

type MountsOf = (pid: number) => Promise<Mount[]>

/** Processes of one mount namespace and root see the same mounts: read once. */
function mountsByNamespace(): MountsOf {
  const known = new Map<string, Promise<Mount[]>>()
  return async (pid) => {
    const root = await linkText(`/proc/${pid}/root`)
    const key = `${await readlink(`/proc/${pid}/ns/mnt`)} ${root}`
    const mounts = known.get(key) ?? mountsUnder(pid, root)
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

async function heldBy(pid: number, volume: Place, mountsOf: MountsOf): Promise<string | undefined> {
  const mounts = await mountsOf(pid)
  for await (const { kind, path } of pathsOf(pid)) {
    const inside = pathInside(path, volume, mounts)
    if (inside === '') return kind
    if (inside !== undefined) return `${kind} ${Buffer.from(inside, 'latin1')}`
  }
  return undefined
}

function pathInside(path: string, volume: Place, mounts: Mount[]): string | undefined {
  if (!path.startsWith('/')) return undefined
  const place = placeOf(path, mounts)
  if (!place || place.device !== volume.device || !isWithin(place.path, volume.path)) return undefined
  return place.path.slice(volume.path.length).replace(/^\//, '')
}

interface HeldPath {
  kind: string
  /** latin1 text; a removed file ends in ` (deleted)`. */
  path: string
}

async function* pathsOf(pid: number): AsyncGenerator<HeldPath> {
  yield { kind: 'working directory', path: await linkText(`/proc/${pid}/cwd`) }
  yield { kind: 'root directory', path: await linkText(`/proc/${pid}/root`) }
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const path = await linkText(`/proc/${pid}/fd/${fd}`).catch(ignoreGone)
    if (path !== undefined) yield { kind: 'open file', path }
  }
  const maps = await readFile(`/proc/${pid}/maps`, 'latin1')
  for (const path of new Set(maps.match(/\/[^\n]*/g)))
    yield { kind: 'mapped file', path: unescapeOctal(path) }
}

async function linkText(link: string): Promise<string> {
  return (await readlink(link, { encoding: 'buffer' })).toString('latin1')
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim()
}
