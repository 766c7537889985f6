import { fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry, Xattr } from './entry.ts'
import { isRefusal } from './write-errors.ts'
import type { OutputFolder } from './write-folder.ts'

/**
 * Called if the file system or missing rights refuse metadata of an entry. `message` is the end of a sentence, `kind` the
 * form that `Losses` counts, without values of this entry.
 */
export type OnRefused = (message: string, kind: string) => void

/** An entry of an open folder that cannot or must not be opened itself: a symlink, a fifo, a device. */
export interface NameInFolder {
  folder: OutputFolder
  name: Buffer
}

/**
 * Sets the metadata of an open file or directory: owner, mode, extended attributes with capabilities, access ACL,
 * default ACL, times. The order matters, because each step can reset what a later one sets.
 */
export function applyMetadata(fd: number, entry: TreeEntry, onRefused: OnRefused): void {
  const { uid, gid, mode, mtimeNs } = entry
  attempt({ what: `owner ${uid}:${gid}`, kind: 'owners' }, onRefused, () => fchownSync(fd, uid, gid))
  attempt({ what: `mode ${mode.toString(8)}`, kind: 'modes' }, onRefused, () => fchmodSync(fd, mode))
  applyXattrs(fd, entry.xattrs, onRefused)
  attempt({ what: 'times', kind: 'times' }, onRefused, () => setTimes(fd, mtimeNs))
}

/** The same for an entry that is not open; a symlink has no mode. */
export function applyMetadataByName(at: NameInFolder, entry: TreeEntry, onRefused: OnRefused): void {
  const { uid, gid, mode, mtimeNs } = entry
  const kernel = loadKernel()
  const path = at.folder.at(at.name)
  attempt({ what: `owner ${uid}:${gid}`, kind: 'owners' }, onRefused, () => lchownSync(path, uid, gid))
  if (entry.type !== 'symlink') {
    attempt({ what: `mode ${mode.toString(8)}`, kind: 'modes' }, onRefused, () =>
      kernel?.fchmodat(at.folder.fd, at.name, mode),
    )
  }
  applyXattrs(path, entry.xattrs, onRefused)
  attempt({ what: 'times', kind: 'times' }, onRefused, () => {
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
    const what = 'extended attributes or ACLs'
    onRefused(
      `has ${what}, which cannot be written on this machine`,
      `the ${what} of % cannot be written here`,
    )
    return
  }
  for (const { name, value } of aclsLast(xattrs)) {
    const [what, kind] = [`extended attribute ${name.toString()}`, kindOfXattr(name.toString('latin1'))]
    attempt({ what, kind, alsoRefusal: 'ENOSPC' }, onRefused, () => kernel.setXattr(target, name, value))
  }
}

/** Names of attributes are arbitrary, so a kind is what comes before the first dot. */
function kindOfXattr(name: string): string {
  if (ACLS.includes(name)) return 'access lists'
  if (name === 'security.capability') return 'capabilities'
  const [space = ''] = name.split('.', 1)
  return ['user', 'trusted', 'security', 'system'].includes(space)
    ? `extended attributes (${space}.*)`
    : 'extended attributes'
}

const ACLS = ['system.posix_acl_access', 'system.posix_acl_default']

function aclsLast(xattrs: readonly Xattr[]): readonly Xattr[] {
  const rank = ({ name }: Xattr) => ACLS.indexOf(name.toString('latin1'))
  return xattrs.length === 1 ? xattrs : xattrs.toSorted((a, b) => rank(a) - rank(b))
}

interface Attempted {
  /** The thing in one entry, and in many. */
  what: string
  kind: string
  /** For an attribute, ENOSPC means that the space of the inode is used up, not that of the disk. */
  alsoRefusal?: string
}

function attempt({ what, kind, alsoRefusal }: Attempted, onRefused: OnRefused, apply: () => void): void {
  try {
    apply()
  } catch (error) {
    const refused = isRefusal(error) || (alsoRefusal !== undefined && errnoOf(error) === alsoRefusal)
    if (!refused) throw error
    const end = `could not be restored (${errnoOf(error)})`
    onRefused(`its ${what} ${end}`, `the ${kind} of % ${end}`)
  }
}
