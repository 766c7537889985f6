import { open, readdir } from 'node:fs/promises'
import { errnoOf, isSystemError } from '../../lib/errors.ts'
import { O_PATH } from '../../lib/kernel/open.ts'
import { unescapeOctal } from '../../lib/mount-info.ts'
import { findMountId } from '../tree/mounts.ts'
import { isProcessGone, readProcLink, readProcText } from './foreign-proc.ts'

/** Something that a process holds open. If `path` and `mount` are both missing, it could not be inspected. */
export interface Held {
  kind: string
  /** latin1 text; a removed file ends in ` (deleted)`. */
  path?: string
  /** The id of its mount, if its path is too long for a link in /proc. */
  mount?: string
}

/** Lists the working directory, root, open files and mapped files of a process. Skips what is closed meanwhile. */
export async function* listHeld(pid: number): AsyncGenerator<Held> {
  yield* await toHeld('working directory', readLinkPlace(`/proc/${pid}/cwd`))
  yield* await toHeld('root directory', readLinkPlace(`/proc/${pid}/root`))
  yield* listOpenFiles(pid)
  yield* await toHeld('mapped file', readMappedFiles(pid))
}

async function* listOpenFiles(pid: number): AsyncGenerator<Held> {
  const kind = 'open file'
  const folder = `/proc/${pid}/fd`
  const fds = await readdir(folder).catch((error: unknown) => error)
  if (!Array.isArray(fds)) return yield* notInspected(kind, fds)
  for (const fd of fds) yield* await toHeld(kind, readLinkPlace(`${folder}/${fd}`))
}

type Place = Omit<Held, 'kind'>

async function toHeld(kind: string, places: Promise<Place[]>): Promise<Held[]> {
  try {
    return (await places).map((place) => ({ kind, ...place }))
  } catch (error) {
    return notInspected(kind, error)
  }
}

/** An error of inspecting another process must not fail the recover: it yields an entry that could not be inspected. */
function notInspected(kind: string, error: unknown): Held[] {
  if (!isSystemError(error)) throw error
  return isProcessGone(error) ? [] : [{ kind }]
}

async function readLinkPlace(link: string): Promise<Place[]> {
  try {
    return [{ path: await readProcLink(link) }]
  } catch (error) {
    if (errnoOf(error) !== 'ENAMETOOLONG') throw error
    return [{ mount: await readMountOfLink(link) }]
  }
}

/** Opens the target, because only descriptors have a mount id, and a working directory has no descriptor. */
async function readMountOfLink(link: string): Promise<string> {
  const handle = await open(link, O_PATH)
  try {
    return findMountId(handle.fd)
  } finally {
    await handle.close()
  }
}

async function readMappedFiles(pid: number): Promise<Place[]> {
  const maps = await readProcText(`/proc/${pid}/maps`)
  return [...new Set(maps.match(/\/[^\n]*/g))].map((path) => ({ path: unescapeOctal(path) }))
}
