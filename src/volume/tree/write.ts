import { closeSync } from 'node:fs'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry } from './entry.ts'
import { isRefusal } from './write-errors.ts'
import { openOutputFolder } from './write-folder.ts'
import { applyMetadata, type OnRefused } from './write-metadata.ts'

/** Attributes that are removed from a root if its entry lacks them. Others, such as SELinux labels, are kept. */
const OWN_ATTRIBUTES = /^(user\.|trusted\.|security\.capability$|system\.posix_acl_)/

/**
 * Sets the metadata of a volume's own directory, as the last step: owner, mode, extended attributes, ACLs, times.
 * Attributes and ACLs that the entry lacks are removed. May be repeated after a crash.
 * `onRefused` gets what could not be set. Throws if the directory cannot be opened.
 */
export async function applyRootMetadata(
  volumePath: string,
  root: TreeEntry,
  onRefused: OnRefused = () => {},
): Promise<void> {
  const { fd } = openOutputFolder(volumePath)
  try {
    removeOtherXattrs(fd, root)
    applyMetadata(fd, root, onRefused)
  } finally {
    closeSync(fd)
  }
}

/** Removes attributes of an open directory that its entry lacks, except labels such as SELinux's. */
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
