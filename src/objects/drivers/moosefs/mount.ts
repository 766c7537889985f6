import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError } from '../../../lib/errors.ts'
import { type Mount, parseMountInfo } from '../../../lib/mount-info.ts'
import { tolerate } from '../../../lib/tolerate.ts'

/** A mounted MooseFS in this process's mount namespace. Reading this does not wait for a server. */
export interface MooseFsMount extends Mount {
  /** The path of the MooseFS's root, with its control files; undefined if only a subfolder is mounted. */
  top: string | undefined
}

/**
 * Finds the mount that the open directory `fd` is on. `dir` is its name, for the message.
 * @throws STORE_NOT_MOUNTED if that is not a MooseFS
 */
export async function findMooseFs(fd: number, dir: string): Promise<MooseFsMount> {
  const [mountId, mounts] = await Promise.all([readMountId(fd), readMounts()])
  const mount = mounts.find(({ id }) => id === mountId)
  if (!mount) throw notMooseFs(dir, 'it was unmounted')
  if (!isMooseFs(mount)) {
    const where = `it lies on ${mount.point}, which is ${mount.type}`
    throw notMooseFs(dir, Buffer.from(where, 'latin1').toString())
  }
  const top = mounts.find((other) => other.device === mount.device && other.root === '/')
  return { ...mount, top: top && Buffer.from(top.point, 'latin1').toString() }
}

/** Inode numbers of `.masterinfo`, which mfsmount itself puts into the root; no other file system has them. */
const CONTROL_INODES = [0x7fffffff, 0x7ffffffe]

/** Checks that mfsmount serves the mount and answers. Throws STORE_NOT_MOUNTED; ENOTCONN if mfsmount is dead. */
export async function checkControlFiles({ top }: MooseFsMount, dir: string): Promise<void> {
  if (top === undefined) return
  const info = await lstatIfThere(join(top, '.masterinfo'))
  if (info && CONTROL_INODES.includes(info.ino) && (await lstatIfThere(join(top, '.stats')))) return
  throw notMooseFs(dir, `${top} lacks MooseFS's control files (.masterinfo, .stats)`)
}

function lstatIfThere(path: string) {
  return tolerate(['ENOENT'], () => lstat(path))
}

export function notMooseFs(dir: string, reason: string, cause?: unknown): BackupdError {
  const message = `The store ${dir} is not on a mounted MooseFS: ${reason}. Mount it with mfsmount, or name a directory on it`
  return new BackupdError('STORE_NOT_MOUNTED', message, { facts: { dir }, ...(cause ? { cause } : {}) })
}

/** The type is `fuse.mfs`, or `fuse` with the source `mfs#HOST:PORT`, depending on the version of libfuse. */
function isMooseFs({ type, source }: Mount): boolean {
  if (['fuse.mfs', 'fuse.moosefs', 'mfs', 'moosefs'].includes(type)) return true
  return type === 'fuse' && source.startsWith('mfs#')
}

/** The id of the mount that an open file is on. */
export async function readMountId(fd: number): Promise<string | undefined> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1')
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1]
}

async function readMounts(): Promise<Mount[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'latin1'))
}
