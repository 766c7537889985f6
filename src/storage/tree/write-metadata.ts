import { fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry, Xattr } from './entry.ts'
import { isRefusal } from './write-errors.ts'
import type { Folder } from './write-folder.ts'

/** Told, as the end of a sentence, what of an entry the file system or missing rights refused. */
export type OnRefused = (message: string) => void

/** Something in an open folder that cannot, or must not, be opened itself: a symlink, a fifo, a device. */
export interface NameInFolder {
  folder: Folder
  name: Buffer
}

/**
 * Gives an open file or directory the metadata of `entry`: owner, mode, extended attributes with capabilities,
 * access ACL, default ACL, times. Each step undoes something of a later one, so the order is fixed.
 */
export function applyMetadata(fd: number, entry: TreeEntry, onRefused: OnRefused): void {
  const { uid, gid, mode, mtimeNs } = entry
  attempt(`owner ${uid}:${gid}`, onRefused, () => fchownSync(fd, uid, gid))
  attempt(`mode ${mode.toString(8)}`, onRefused, () => fchmodSync(fd, mode))
  applyXattrs(fd, entry.xattrs, onRefused)
  attempt('times', onRefused, () => setTimes(fd, mtimeNs))
}

/** The same for what is only named; a symlink has no mode. */
export function applyMetadataByName(at: NameInFolder, entry: TreeEntry, onRefused: OnRefused): void {
  const { uid, gid, mode, mtimeNs } = entry
  const kernel = loadKernel()
  const path = at.folder.at(at.name)
  attempt(`owner ${uid}:${gid}`, onRefused, () => lchownSync(path, uid, gid))
  if (entry.type !== 'symlink') {
    attempt(`mode ${mode.toString(8)}`, onRefused, () => kernel?.fchmodat(at.folder.fd, at.name, mode))
  }
  applyXattrs(path, entry.xattrs, onRefused)
  attempt('times', onRefused, () => {
    if (kernel) kernel.utimensat(at.folder.fd, at.name, { mtimeNs })
    else lutimesSync(path, seconds(mtimeNs), seconds(mtimeNs))
  })
}

function setTimes(fd: number, mtimeNs: bigint): void {
  const kernel = loadKernel()
  if (kernel) kernel.futimens(fd, { mtimeNs })
  else futimesSync(fd, seconds(mtimeNs), seconds(mtimeNs))
}

function seconds(ns: bigint): number {
  return Number(ns) / 1e9
}

function applyXattrs(target: number | Buffer, xattrs: readonly Xattr[], onRefused: OnRefused): void {
  if (xattrs.length === 0) return
  const kernel = loadKernel()
  if (!kernel) {
    onRefused('has extended attributes or ACLs, which cannot be written on this machine')
    return
  }
  for (const { name, value } of aclsLast(xattrs)) {
    attempt(
      `extended attribute ${name.toString()}`,
      onRefused,
      () => kernel.setXattr(target, name, value),
      'ENOSPC',
    )
  }
}

const ACLS = ['system.posix_acl_access', 'system.posix_acl_default']

function aclsLast(xattrs: readonly Xattr[]): readonly Xattr[] {
  const rank = ({ name }: Xattr) => ACLS.indexOf(name.toString('latin1'))
  return xattrs.length === 1 ? xattrs : xattrs.toSorted((a, b) => rank(a) - rank(b))
}

/** `alsoRefusal`: ENOSPC of an attribute means that the inode's own room is used up, not the disk's. */
function attempt(what: string, onRefused: OnRefused, apply: () => void, alsoRefusal?: string): void {
  try {
    apply()
  } catch (error) {
    const refused = isRefusal(error) || (alsoRefusal !== undefined && errnoOf(error) === alsoRefusal)
    if (!refused) throw error
    onRefused(`its ${what} could not be restored (${errnoOf(error)})`)
  }
}
