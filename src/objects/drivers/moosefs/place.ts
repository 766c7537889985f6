import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import { BackupdError, errnoOf } from '../../../lib/errors.ts'
import { O_PATH } from '../../../lib/kernel/open.ts'
import type { FilePlace } from '../file-place.ts'
import { findMooseFs, type MooseFsMount, notMooseFs, readMountId } from './mount.ts'

const FOLDER = O_PATH | constants.O_DIRECTORY
/** How long a checked mount id is trusted. If the mount is taken down, the path gets another mount id. */
const FRESH_MS = 1000

export interface MooseFsPlace extends FilePlace {
  /** The mount that the store is on now. Throws as within(). */
  mount(): Promise<MooseFsMount>
}

/**
 * A directory of a mounted MooseFS. Each call opens it again, checks that it is on a MooseFS, and works relative to the
 * open directory: if the mount disappears, no call uses the empty directory below it. Nothing is kept open between
 * calls, so that it can be unmounted.
 */
export function mooseFsPlace(dir: string, clock: Clock): MooseFsPlace {
  let seen: { id: string; at: number } | undefined

  async function check(fd: number): Promise<void> {
    if (seen && clock.elapsed() - seen.at < FRESH_MS && (await readMountId(fd)) === seen.id) return
    const { id } = await findMooseFs(fd, dir)
    seen = { id, at: clock.elapsed() }
  }

  async function opened<T>(act: (fd: number) => Promise<T>): Promise<T> {
    const file = await open(dir, FOLDER).catch((cause) => {
      throw refusal(dir, cause)
    })
    try {
      return await act(file.fd)
    } finally {
      await file.close()
    }
  }

  return {
    dir,
    mount: () => opened((fd) => findMooseFs(fd, dir)),
    within: (act) =>
      opened(async (fd) => {
        await check(fd)
        return act(`/proc/self/fd/${fd}`)
      }),
    async folder(root, name) {
      let at = root
      for (const part of name.split('/')) at = await realFolder(`${at}/${part}`, dir)
      return at
    },
  }
}

async function realFolder(path: string, dir: string): Promise<string> {
  const stats = await lstat(path)
  if (stats.isDirectory()) return path
  if (!stats.isSymbolicLink()) throw Object.assign(new Error(`ENOTDIR: ${path}`), { code: 'ENOTDIR' })
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `A folder of the store ${dir} is a symbolic link, which may lead out of the store. Remove it`,
  )
}

function refusal(dir: string, cause: unknown): unknown {
  const errno = errnoOf(cause)
  if (errno === 'ENOENT') return notMooseFs(dir, 'it does not exist', cause)
  if (errno === 'ENOTDIR') return notMooseFs(dir, 'it is not a directory', cause)
  return cause
}
