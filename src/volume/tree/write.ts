import { closeSync } from 'node:fs'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry } from './entry.ts'
import { isRefusal } from './write-errors.ts'
import { openFolder } from './write-folder.ts'
import { applyMetadata, type OnRefused } from './write-metadata.ts'

/** Attributes that a root may have from before and that its entry does not name; labels of the machine stay. */
const OWN_ATTRIBUTES = /^(user\.|trusted\.|security\.capability$|system\.posix_acl_)/

/**
 * Gives the directory of a volume the metadata of its entry, last of all: owner, mode, extended attributes, ACLs,
 * times. Attributes and ACLs that the entry does not have are removed. It can be done again after a crash.
 * `onRefused` is told what could not be set. Throws where the directory cannot be opened.
 */
export async function applyRootMetadata(
  volumePath: string,
  root: TreeEntry,
  onRefused: OnRefused = () => {},
): Promise<void> {
  const { fd } = openFolder(volumePath)
  try {
    removeOtherXattrs(fd, root)
    applyMetadata(fd, root, onRefused)
  } finally {
    closeSync(fd)
  }
}

/** Takes off what an open directory has and its entry does not. Labels of the machine stay. */
export function removeOtherXattrs(fd: number, root: Pick<TreeEntry, 'xattrs'>): void {
  const kernel = loadKernel()
  for (const name of kernel?.listXattrs(fd) ?? []) {
    const wanted = root.xattrs.some((xattr) => xattr.name.equals(name))
    if (wanted || !OWN_ATTRIBUTES.test(name.toString('latin1'))) continue
    try {
      kernel?.removeXattr(fd, name)
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
  }
}
