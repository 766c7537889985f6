import { open, readdir } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import { unescapeOctal } from '../../lib/mount-info.ts'
import { mountIdOf } from '../tree/mounts.ts'
import { isGone, readProcLink, readProcText } from './foreign-proc.ts'

/** Something that a process holds, by the best that can be known of it: where both are missing, nothing can. */
export interface Held {
  kind: string
  /** latin1 text; a removed file ends in ` (deleted)`. */
  path?: string
  /** The id of the mount it lies on, where its path is longer than a link in /proc can be. */
  mount?: string
}

/** Working directory, root, open files and directories, mapped files. What goes meanwhile is left out. */
export async function* heldThings(pid: number): AsyncGenerator<Held> {
  yield* await looked('working directory', linkAt(`/proc/${pid}/cwd`))
  yield* await looked('root directory', linkAt(`/proc/${pid}/root`))
  yield* openedBy(pid)
  yield* await looked('mapped file', mappedBy(pid))
}

async function* openedBy(pid: number): AsyncGenerator<Held> {
  const kind = 'open file'
  const folder = `/proc/${pid}/fd`
  const fds = await readdir(folder).catch((error: unknown) => error)
  if (!Array.isArray(fds)) return yield* unlessGone(kind, fds)
  for (const fd of fds) yield* await looked(kind, linkAt(`${folder}/${fd}`))
}

type Place = Omit<Held, 'kind'>

async function looked(kind: string, looking: Promise<Place[]>): Promise<Held[]> {
  try {
    return (await looking).map((place) => ({ kind, ...place }))
  } catch (error) {
    return unlessGone(kind, error)
  }
}

/** No other process ends a recover: whatever stands in the way of looking is an answer. */
function unlessGone(kind: string, error: unknown): Held[] {
  if (errnoOf(error) === undefined) throw error
  return isGone(error) ? [] : [{ kind }]
}

async function linkAt(link: string): Promise<Place[]> {
  try {
    return [{ path: await readProcLink(link) }]
  } catch (error) {
    if (errnoOf(error) !== 'ENAMETOOLONG') throw error
    return [{ mount: await mountAt(link) }]
  }
}

/** By a descriptor of our own: a working directory has no other. */
async function mountAt(link: string): Promise<string> {
  const handle = await open(link, O_PATH)
  try {
    return mountIdOf(handle.fd)
  } finally {
    await handle.close()
  }
}

async function mappedBy(pid: number): Promise<Place[]> {
  const maps = await readProcText(`/proc/${pid}/maps`)
  return [...new Set(maps.match(/\/[^\n]*/g))].map((path) => ({ path: unescapeOctal(path) }))
}
