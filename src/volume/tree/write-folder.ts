import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { SLASH_BYTES } from '../../lib/byte-paths.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { isRefusal } from './write-errors.ts'
import { splitComponents } from './write-paths.ts'

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const DEFAULT_ACL = Buffer.from('system.posix_acl_default')
/** Below PATH_MAX; longer paths are opened in steps. */
const MAX_STEP_BYTES = 4000

/** An open directory. `at(name)` is a path of an entry in it that stays valid if the directory is renamed. */
export interface OutputFolder {
  fd: number
  at(name: Buffer): Buffer
}

export function openOutputFolder(path: string | Buffer): OutputFolder {
  return asFolder(openSync(path, OPEN_FOLDER), Buffer.from(path))
}

/**
 * Opens the directory at `path` (`a/b/c`) below `root`. Throws ELOOP or ENOTDIR if there is a symlink on the way. The
 * caller closes `fd`.
 */
export function openFolderBeneath(root: OutputFolder, path: Buffer): OutputFolder {
  let folder = root
  for (const step of splitSteps(path)) {
    const above = folder
    try {
      folder = openStep(above, step)
    } finally {
      if (above !== root) closeSync(above.fd)
    }
  }
  return folder
}

/** Splits `path` before its last step; siblings share the first part. */
export function splitLastStep(path: Buffer): { parent: Buffer; rest: Buffer } {
  const rest = splitSteps(path).at(-1) ?? path
  return { parent: path.subarray(0, Math.max(path.length - rest.length - 1, 0)), rest }
}

/** Splits a path into steps that one call can open; without kernel calls, each name is a step. */
function splitSteps(path: Buffer): Buffer[] {
  if (!loadKernel()) return splitComponents(path)
  if (path.length <= MAX_STEP_BYTES) return [path]
  const steps: Buffer[] = []
  let rest = path
  while (rest.length > MAX_STEP_BYTES) {
    const end = rest.lastIndexOf(SLASH_BYTES, MAX_STEP_BYTES)
    // The kernel rejects a name that is this long.
    if (end <= 0) break
    steps.push(rest.subarray(0, end))
    rest = rest.subarray(end + 1)
  }
  return [...steps, rest]
}

function openStep(folder: OutputFolder, step: Buffer): OutputFolder {
  const kernel = loadKernel()
  const path = folder.at(step)
  return asFolder(
    kernel ? kernel.openBeneath(folder.fd, step, OPEN_FOLDER) : openSync(path, OPEN_FOLDER),
    path,
  )
}

const HAS_PROC = existsSync('/proc/self/fd')

/** Paths go through /proc/self/fd, so that they stay in the open directory; without /proc, the plain path is used. */
function asFolder(fd: number, path: Buffer): OutputFolder {
  const prefix = HAS_PROC ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, SLASH_BYTES])
  return { fd, at: (name) => Buffer.concat([prefix, name]) }
}

/** Removes the default ACL, so that entries written here get their own ACL or none, and do not inherit one. */
export function dropDefaultAcl(root: OutputFolder): void {
  try {
    loadKernel()?.removeXattr(root.fd, DEFAULT_ACL)
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}
