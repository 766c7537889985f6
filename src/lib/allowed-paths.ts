import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { BackupdError, errnoOf } from './errors.ts'

export interface AllowedRoots {
  volumeRoot: string
  allowPaths: readonly string[]
}

export interface ResolvedVolume {
  /** The real path, no symbolic link in it. */
  path: string
  exists: boolean
}

/** Whether `path` is `root` or lies under it. Both absolute and normal. */
export function isUnder(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

/** An absolute path without `.`, `..`, doubled or trailing slashes, as it was given. Throws BAD_INPUT. */
export function checkVolumePath(path: string): string {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
  if (!isAbsolute(trimmed) || normalize(trimmed) !== trimmed || path.includes('\0')) {
    throw new BackupdError('BAD_INPUT', `"${path}" is no volume path: write it absolute, without "." or ".."`)
  }
  if (trimmed === sep) throw new BackupdError('BAD_INPUT', 'The root directory "/" cannot be a volume')
  return trimmed
}

/**
 * Follows every symbolic link of a volume's path and checks that what it leads to may be touched.
 * The volume itself may be missing, its parent may not.
 * @throws BAD_INPUT for a path that is not absolute and normal, FORBIDDEN outside the roots,
 * VOLUME_MISSING where the parent is missing or the volume is no directory.
 */
export async function resolveVolume(path: string, roots: AllowedRoots): Promise<ResolvedVolume> {
  const given = checkVolumePath(path)
  const real = await realPath(given)
  const resolved = real ?? join(await realParent(given), basename(given))
  const allowed = await Promise.all(
    [roots.volumeRoot, ...roots.allowPaths].map(async (root) => (await realPath(root)) ?? root),
  )
  if (!allowed.some((root) => isUnder(resolved, root))) throw forbidden(given, resolved)
  if (real !== undefined && !(await stat(real)).isDirectory()) {
    throw new BackupdError('VOLUME_MISSING', `The volume "${given}" is not a directory`)
  }
  return { path: resolved, exists: real !== undefined }
}

/** The volume, which must be there. Throws as resolveVolume, and VOLUME_MISSING. */
export async function resolveExistingVolume(path: string, roots: AllowedRoots): Promise<string> {
  const volume = await resolveVolume(path, roots)
  if (!volume.exists)
    throw new BackupdError('VOLUME_MISSING', `The volume "${path}" is not there: see its mount`)
  return volume.path
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
    await refuseDanglingLink(path)
    return undefined
  }
}

async function refuseDanglingLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found) throw new BackupdError('VOLUME_MISSING', `"${path}" is a symbolic link that leads nowhere`)
}

async function realParent(path: string): Promise<string> {
  const parent = await realPath(dirname(path))
  if (parent !== undefined && (await stat(parent)).isDirectory()) return parent
  throw new BackupdError(
    'VOLUME_MISSING',
    `The volume "${path}" is not there, nor the directory it would lie in`,
  )
}

function forbidden(given: string, resolved: string): BackupdError {
  const leads = given === resolved ? '' : ` (it leads to "${resolved}")`
  return new BackupdError(
    'FORBIDDEN',
    `"${given}"${leads} lies neither under --volume-root nor under an --allow-path: start the daemon with --allow-path for it`,
    { facts: { path: resolved } },
  )
}
