import { chmodSync, closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from './errors.ts'

/** Not in Node's constants. Opens a file only as a path, so that closing it does not drop locks of SQLite. */
const O_PATH = 0o10000000
const OTHERS = 0o077

/**
 * Removes all rights of group and others from entries below `folder` that `isOurs` accepts by relative path. Changes
 * only regular files and directories of this user; never follows symlinks nor enters other directories. Returns the
 * changed paths.
 */
export function makePrivate(folder: string, isOurs: (path: string) => boolean, below = ''): string[] {
  return readNamesIfFolder(join(folder, below)).flatMap((name) => {
    const path = join(below, name)
    if (!isOurs(path)) return []
    const { changed, isFolder } = repair(join(folder, path))
    return [...(changed ? [path] : []), ...(isFolder ? makePrivate(folder, isOurs, path) : [])]
  })
}

function repair(path: string): { changed: boolean; isFolder: boolean } {
  const fd = openName(path)
  if (fd === undefined) return { changed: false, isFolder: false }
  try {
    const stats = fstatSync(fd)
    const isFolder = stats.isDirectory()
    if ((!isFolder && !stats.isFile()) || stats.uid !== process.geteuid?.())
      return { changed: false, isFolder: false }
    const changed = (stats.mode & OTHERS) !== 0
    if (changed) chmodSync(`/proc/self/fd/${fd}`, stats.mode & 0o700)
    return { changed, isFolder }
  } finally {
    closeSync(fd)
  }
}

function openName(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function readNamesIfFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return []
    throw error
  }
}
