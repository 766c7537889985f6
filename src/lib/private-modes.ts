import { chmodSync, closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { tolerateSync } from './tolerate.ts'

/** Not in Node's constants. Opens a file only as a path, so that closing it does not drop locks of SQLite. */
const O_PATH = 0o10000000
const OTHERS = 0o077

/** Whether an entry is ours, by its relative path. */
export type IsOwnPath = (path: string, isFolder: boolean) => boolean

/**
 * Removes all rights of group and others from entries below `folder` that are ours. Changes only regular files and
 * directories of this user; never follows symlinks nor enters other directories. Returns the changed paths.
 */
export function makePrivate(folder: string, isOwn: IsOwnPath, below = ''): string[] {
  return readNamesIfFolder(join(folder, below)).flatMap((name) => {
    const path = join(below, name)
    // Not even looked at: it may be a mount that hangs.
    if (!isOwn(path, true) && !isOwn(path, false)) return []
    const { changed, isOwnFolder } = repair({ folder, path }, isOwn)
    return [...(changed ? [path] : []), ...(isOwnFolder ? makePrivate(folder, isOwn, path) : [])]
  })
}

const UNTOUCHED = { changed: false, isOwnFolder: false }

function repair({ folder, path }: { folder: string; path: string }, isOwn: IsOwnPath) {
  const fd = openName(join(folder, path))
  if (fd === undefined) return UNTOUCHED
  try {
    const stats = fstatSync(fd)
    const isFolder = stats.isDirectory()
    const isKnownType = isFolder || stats.isFile()
    if (!isKnownType || stats.uid !== process.geteuid?.() || !isOwn(path, isFolder)) return UNTOUCHED
    const changed = (stats.mode & OTHERS) !== 0
    if (changed) chmodSync(`/proc/self/fd/${fd}`, stats.mode & 0o700)
    return { changed, isOwnFolder: isFolder }
  } finally {
    closeSync(fd)
  }
}

function openName(path: string): number | undefined {
  return tolerateSync(['ENOENT'], () => openSync(path, O_PATH | constants.O_NOFOLLOW))
}

function readNamesIfFolder(folder: string): string[] {
  return tolerateSync(['ENOENT', 'ENOTDIR'], () => readdirSync(folder), [])
}
