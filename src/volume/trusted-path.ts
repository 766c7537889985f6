import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { BackupdError } from '../lib/errors.ts'
import { tolerate } from '../lib/tolerate.ts'

/** How far a path was followed. */
export interface TrustedPath {
  /** Whether it ended at a path for which `stopAt` returned true. */
  stopped: boolean
  /** Contains no symbolic link. Names that do not exist are kept as they were given. */
  real: string
  /** The names that were not followed. If `stopped` is false, they are below the first directory others can change. */
  rest: string[]
  /** The last name of the path was a symbolic link, which was followed. */
  endsInLink: boolean
}

/** The limit of the kernel for one path. */
const MAX_LINKS = 40
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/**
 * Follows a path from `/`, links included, up to the first path for which `stopAt` returns true, or to the first
 * directory that users other than root and this process's user can change. The parent of that directory can only be
 * changed by these two, so nobody else can replace the directory later.
 * @throws FORBIDDEN if ".." follows after such a directory, and errors of the file system
 */
export async function followTrusted(path: string, stopAt: (real: string) => boolean): Promise<TrustedPath> {
  const followed: TrustedPath = { stopped: false, real: '/', rest: splitPathNames(path), endsInLink: false }
  let isMissing = false
  for (let links = 0; ; ) {
    followed.stopped = stopAt(followed.real)
    const name = followed.stopped ? undefined : followed.rest.shift()
    if (name === undefined) return followed
    if (name === '..') {
      followed.real = dirname(followed.real)
      continue
    }
    const next = join(followed.real, name)
    const found: EntryClass = isMissing ? 'missing' : await classifyEntry(followed.real, next)
    if (found === 'untrusted') return endUntrusted(path, followed, name)
    isMissing ||= found === 'missing'
    if (typeof found === 'string') {
      followed.real = next
      continue
    }
    if (++links > MAX_LINKS)
      throw new BackupdError('BAD_INPUT', `"${path}" leads through more than ${MAX_LINKS} symbolic links`)
    followed.endsInLink ||= followed.rest.length === 0
    followed.rest.unshift(...splitPathNames(found.target))
    if (isAbsolute(found.target)) followed.real = '/'
  }
}

/** No link is followed from here on, so ".." could not be resolved correctly by names. */
function endUntrusted(path: string, followed: TrustedPath, name: string): TrustedPath {
  followed.rest.unshift(name)
  if (!followed.rest.includes('..')) return followed
  const what = `a symbolic link on the way leads through "${followed.real}", which others can change, and has ".." after it`
  const advice = 'Write the real path in the inventory'
  throw new BackupdError('FORBIDDEN', `Cannot follow "${path}": ${what}, expected none. ${advice}`, {
    facts: { path: followed.real },
  })
}

function splitPathNames(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

type EntryClass = 'missing' | 'there' | 'untrusted' | { target: string }

async function classifyEntry(directory: string, entry: string): Promise<EntryClass> {
  const [above, found] = await Promise.all([stat(directory), lstatOrMissing(entry)])
  const isShared = isWritableByOthers(above)
  // In a sticky directory, such as /tmp, others can neither rename nor remove files of other owners.
  if (!isOwn(above.uid) || (isShared && (above.mode & STICKY) === 0)) return 'untrusted'
  // A name that does not exist there can be created by others.
  if (isShared && !(found && isOwn(found.uid))) return 'untrusted'
  if (!found) return 'missing'
  return found.isSymbolicLink() ? { target: await readlink(entry) } : 'there'
}

function lstatOrMissing(path: string) {
  return tolerate(['ENOENT', 'ENOTDIR'], () => lstat(path))
}

function isWritableByOthers({ mode, gid }: { mode: number; gid: number }): boolean {
  if ((mode & OTHERS_WRITE) !== 0) return true
  return (mode & GROUP_WRITE) !== 0 && !isPrivateGroup(gid)
}

/** Many systems give each user a private group with the same number, and the umask 002. */
function isPrivateGroup(gid: number): boolean {
  const user = process.geteuid?.()
  // Members of group 0 count as root, whatever the group of a daemon that runs as root is.
  if (user === 0) return gid === 0
  return gid === user && gid === process.getegid?.()
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}
