import { linkSync, renameSync, unlinkSync } from 'node:fs'
import { type Kernel, loadKernel } from '../../lib/kernel.ts'
import { succeedsSync } from '../../lib/tolerate.ts'
import { type Folder, statEntry } from './folder.ts'

/** One name in a folder that is held open. */
export interface NameIn {
  folder: Folder
  name: Buffer
}

/** Moves an entry within a mount. Throws EEXIST if the target exists. */
export function moveWithoutReplacing(from: NameIn, to: NameIn): void {
  const kernel = loadKernel()
  if (!kernel || !moveAtomically(kernel, from, to)) moveStepwise(from, to)
}

/** False if the file system does not support RENAME_NOREPLACE (NFS, and some FUSE file systems). */
function moveAtomically(kernel: Kernel, from: NameIn, to: NameIn): boolean {
  const source = { dir: from.folder.fd, name: from.name }
  const target = { dir: to.folder.fd, name: to.name }
  return succeedsSync(['EINVAL', 'ENOSYS'], () => kernel.renameat2(source, target, 'noReplace'))
}

/**
 * Files are linked, which never replaces anything. Directories cannot be linked: a directory that appears at the target
 * between the check and the rename is replaced if it is empty.
 */
export function moveStepwise(from: NameIn, to: NameIn): void {
  const [source, target] = [from.folder.at(from.name), to.folder.at(to.name)]
  if (!statEntry(from.folder, from.name)?.isDirectory()) {
    linkSync(source, target)
    unlinkSync(source)
    return
  }
  if (statEntry(to.folder, to.name))
    throw Object.assign(new Error('EEXIST: file exists, rename'), { code: 'EEXIST' })
  renameSync(source, target)
}
