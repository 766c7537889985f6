import { realpath } from 'node:fs/promises'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { BackupdError, errnoOf } from '../lib/errors.ts'
import { trimEndSlashes } from '../lib/trim-slashes.ts'
import { type HeldVolume, holdVolume } from './held-volume.ts'
import { followTrusted, type TrustedPath } from './trusted-path.ts'

export interface AllowedRoots {
  volumeRoot: string
  allowPaths: readonly string[]
}

/** Whether `path` is `root` or inside it. Both must be absolute and normalized. */
export function isUnder(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

/** Returns the path without trailing slashes. Throws BAD_INPUT if it is not absolute, or has `.`, `..` or `//`. */
export function checkVolumePath(path: string): string {
  const trimmed = path.length > 1 ? trimEndSlashes(path) : path
  if (!isAbsolute(trimmed) || normalize(trimmed) !== trimmed || path.includes('\0')) {
    throw new BackupdError(
      'BAD_INPUT',
      `"${path}" is not the path of a volume, expected an absolute path without "." or ".."`,
    )
  }
  if (trimmed === sep) throw new BackupdError('BAD_INPUT', 'The root directory "/" cannot be a volume')
  return trimmed
}

/**
 * Opens a volume and checks that it is allowed. Links that only root and the daemon's user can change are followed, up
 * to an allowed root or the first directory that others can change. Below these no link is followed, and the volume
 * must not be a link. Users who can change a directory above a root can rename directories within it. At worst another
 * directory inside that one is used as the volume: as if --allow-path had been given for that directory.
 * The volume may be missing, but not its parent. The caller disposes of the result at the end of the run.
 * @throws BAD_INPUT for a path that is not absolute and normal, FORBIDDEN outside the roots and for a symbolic link,
 * VOLUME_MISSING if the parent is missing or the volume is not a directory
 */
export async function resolveVolume(path: string, roots: AllowedRoots): Promise<HeldVolume> {
  const given = checkVolumePath(path)
  const allowed = await followRoots([roots.volumeRoot, ...roots.allowPaths])
  const { real, rest, endsInLink } = await followToRoot(given, allowed)
  const resolved = join(real, ...rest)
  if (!allowed.real.values().some((root) => isUnder(resolved, root))) throw outsideRoots(given, resolved)
  try {
    if (endsInLink) throw symbolicLink(given, resolved)
    return holdVolume(real, rest)
  } catch (error) {
    throw await explainOpen(error, given, resolved)
  }
}

/** Like resolveVolume, but throws VOLUME_MISSING if the volume does not exist. */
export async function resolveExistingVolume(path: string, roots: AllowedRoots): Promise<HeldVolume> {
  const volume = await resolveVolume(path, roots)
  if (volume.exists) return volume
  volume[Symbol.dispose]()
  throw new BackupdError('VOLUME_MISSING', `The volume "${path}" does not exist: check its mount`)
}

interface AllowedDirectories {
  /** As they were given. */
  given: string[]
  real: Set<string>
}

/**
 * The real paths of the roots. A root inside another one is dropped, because the owner of the outer one could replace
 * it by a link to anywhere; so is one that cannot be reached. Below a directory that others can change, a root is
 * used as it was given: if it contains a link, opening the volume fails.
 */
async function followRoots(given: string[]): Promise<AllowedDirectories> {
  const real = new Set<string>()
  for (const root of given.toSorted((a, b) => a.length - b.length)) {
    const followed = await followTrusted(root, (at) => real.has(at)).catch(() => undefined)
    if (followed && !followed.stopped) real.add(join(followed.real, ...followed.rest))
  }
  return { given, real }
}

async function followToRoot(path: string, { given, real }: AllowedDirectories): Promise<TrustedPath> {
  try {
    return await followTrusted(path, (at) => real.has(at))
  } catch (error) {
    const isInside = given.some((root) => isUnder(path, root))
    throw isInside || !(error instanceof BackupdError) ? unreachable(path, error) : outsideRoots(path, path)
  }
}

async function explainOpen(error: unknown, given: string, resolved: string): Promise<unknown> {
  const code = errnoOf(error)
  if (code === 'ENOENT')
    return makeMissingVolumeError(`"${given}" does not exist, and neither does its parent directory`, error)
  if (code !== 'ELOOP' && code !== 'ENOTDIR' && code !== 'EXDEV') return unreachable(given, error)
  const real = await realpath(given).catch(() => undefined)
  // With ELOOP there was a link, even if it is gone when the path is resolved again.
  if (real !== undefined && (code === 'ELOOP' || real !== resolved)) return symbolicLink(given, real)
  return makeMissingVolumeError(
    `"${given}" is not a directory, or a symbolic link on the way to it does not lead to one`,
    error,
  )
}

function symbolicLink(given: string, real: string): BackupdError {
  const what = `"${given}" leads through a symbolic link to "${real}", expected a path without one below an allowed directory or one that others can change`
  return new BackupdError(
    'FORBIDDEN',
    `${what}. Write the real path in the inventory, if it is the right one`,
    {
      facts: { path: real },
    },
  )
}

/** Explains an error of the file system that an operator must fix. */
function unreachable(path: string, error: unknown): unknown {
  const code = errnoOf(error)
  if (error instanceof BackupdError || code === undefined) return error
  return makeMissingVolumeError(
    `"${path}" cannot be opened (${code}): check its mount and its permissions`,
    error,
  )
}

function makeMissingVolumeError(what: string, cause: unknown): BackupdError {
  return new BackupdError('VOLUME_MISSING', `The volume ${what}`, { cause })
}

function outsideRoots(given: string, resolved: string): BackupdError {
  const leads = given === resolved ? '' : ` (it leads to "${resolved}")`
  return new BackupdError(
    'FORBIDDEN',
    `"${given}"${leads} is neither under --volume-root nor under an --allow-path: start the daemon with --allow-path for it`,
    { facts: { path: resolved } },
  )
}
