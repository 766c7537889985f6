import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { loadKernel } from '../../lib/kernel.ts'
import { isRefusal } from './write-errors.ts'
import { componentsOf } from './write-paths.ts'

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const DEFAULT_ACL = Buffer.from('system.posix_acl_default')
/** Below PATH_MAX, which a path may exceed though each of its names does not. */
const LONGEST_STEP = 4000

/** An open directory; `at(name)` leads to a name directly in it, whatever happens to the directory's own path. */
export interface Folder {
  fd: number
  at(name: Buffer): Buffer
}

export function openFolder(path: string | Buffer): Folder {
  return asFolder(openSync(path, OPEN_FOLDER), Buffer.from(path))
}

/**
 * Opens the directory at `path` (`a/b/c`) below `root` without following a symlink: ELOOP or ENOTDIR where there is
 * one on the way. The caller closes `fd`.
 */
export function openFolderBeneath(root: Folder, path: Buffer): Folder {
  let folder = root
  for (const step of stepsOf(path)) {
    const above = folder
    try {
      folder = openStep(above, step)
    } finally {
      if (above !== root) closeSync(above.fd)
    }
  }
  return folder
}

/** The steps to `path` but the last one, which neighbours have in common, and the last. */
export function splitWay(path: Buffer): { way: Buffer; rest: Buffer } {
  const rest = stepsOf(path).at(-1) ?? path
  return { way: path.subarray(0, Math.max(path.length - rest.length - 1, 0)), rest }
}

/** As many names at once as the kernel takes; without it one after the other. */
function stepsOf(path: Buffer): Buffer[] {
  if (!loadKernel()) return componentsOf(path)
  if (path.length <= LONGEST_STEP) return [path]
  const steps: Buffer[] = []
  let rest = path
  while (rest.length > LONGEST_STEP) {
    const end = rest.lastIndexOf(SLASH, LONGEST_STEP)
    // A name so long is the kernel's to refuse.
    if (end <= 0) break
    steps.push(rest.subarray(0, end))
    rest = rest.subarray(end + 1)
  }
  return [...steps, rest]
}

function openStep(folder: Folder, step: Buffer): Folder {
  const kernel = loadKernel()
  const path = folder.at(step)
  return asFolder(
    kernel ? kernel.openBeneath(folder.fd, step, OPEN_FOLDER) : openSync(path, OPEN_FOLDER),
    path,
  )
}

const HAS_PROC = existsSync('/proc/self/fd')
const SLASH = Buffer.from('/')

/** Paths through /proc keep to the open directory; where there is no /proc the plain path must do. */
function asFolder(fd: number, path: Buffer): Folder {
  const prefix = HAS_PROC ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, SLASH])
  return { fd, at: (name) => Buffer.concat([prefix, name]) }
}

/** What is written here must get its own ACL or none, never one that the target hands down. */
export function dropDefaultAcl(root: Folder): void {
  try {
    loadKernel()?.removeXattr(root.fd, DEFAULT_ACL)
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}
