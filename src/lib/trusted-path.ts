import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { BackupdError, errnoOf } from './errors.ts'

/** How far a path was followed. */
export interface TrustedWay {
  /** Whether the walk ended at a path where it was to stop. */
  stopped: boolean
  /** No symbolic link is in it. What is missing at its end stands as it was given. */
  real: string
  /** The names that are left. */
  rest: string[]
  /** The last name of the path is a symbolic link, which was followed. */
  endsInLink: boolean
}

/** The kernel follows no more links than that in one path. */
const MAX_LINKS = 40
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/**
 * Follows a path from `/`, links included, up to the first place where `stopAt` says so. All directories it looks into
 * can be changed by root and the user of this process only, so nobody else can lead the path elsewhere later.
 * @throws FORBIDDEN naming the first directory that others can change, and what the file system answers
 */
export async function followTrusted(path: string, stopAt: (real: string) => boolean): Promise<TrustedWay> {
  const way: TrustedWay = { stopped: false, real: '/', rest: namesOf(path), endsInLink: false }
  let isMissing = false
  for (let links = 0; ; ) {
    way.stopped = stopAt(way.real)
    const name = way.stopped ? undefined : way.rest.shift()
    if (name === undefined) return way
    if (name === '..') {
      way.real = dirname(way.real)
      continue
    }
    const next = join(way.real, name)
    const found: Found = isMissing ? 'missing' : await lookAt(way.real, next)
    isMissing ||= found === 'missing'
    if (typeof found === 'string') {
      way.real = next
      continue
    }
    if (++links > MAX_LINKS)
      throw new BackupdError('BAD_INPUT', `"${path}" has too many symbolic links in it`)
    way.endsInLink ||= way.rest.length === 0
    way.rest.unshift(...namesOf(found.target))
    if (isAbsolute(found.target)) way.real = '/'
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

type Found = 'missing' | 'there' | { target: string }

async function lookAt(directory: string, entry: string): Promise<Found> {
  const [above, found] = await Promise.all([stat(directory), lstatOrMissing(entry)])
  const isShared = isWritableByOthers(above)
  // In a sticky directory, such as /tmp, others can neither rename nor remove what is not theirs.
  if (!isOwn(above.uid) || (isShared && (above.mode & STICKY) === 0)) throw untrusted(directory, above)
  if (isShared && found && !isOwn(found.uid)) throw untrusted(directory, above, entry)
  if (!found) return 'missing'
  return found.isSymbolicLink() ? { target: await readlink(entry) } : 'there'
}

async function lstatOrMissing(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function isWritableByOthers({ mode, gid }: { mode: number; gid: number }): boolean {
  if ((mode & OTHERS_WRITE) !== 0) return true
  return (mode & GROUP_WRITE) !== 0 && !isPrivateGroup(gid)
}

/** Many systems give each user a group of the same number, and the umask 002 with it. That of root has other members. */
function isPrivateGroup(gid: number): boolean {
  return gid !== 0 && gid === process.geteuid?.() && gid === process.getegid?.()
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

function untrusted(
  directory: string,
  { uid, mode }: { uid: number; mode: number },
  entry?: string,
): BackupdError {
  const octal = (mode & 0o7777).toString(8)
  const whose = entry === undefined ? '' : `, and "${entry}" in it belongs to another user`
  const what = `"${directory}" (owner ${uid}, mode ${octal})${whose}, expected that only root and the daemon's user can change what leads to an allowed directory`
  const hint = `Take the write permission away, or start the daemon with --allow-path "${directory}"`
  return new BackupdError('FORBIDDEN', `others can change ${what}. ${hint}`, { facts: { path: directory } })
}
