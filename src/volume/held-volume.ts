import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../lib/errors.ts'
import { O_PATH, openStepwise } from '../lib/kernel/open.ts'
import { loadKernel } from '../lib/kernel.ts'

/**
 * A volume that was resolved once and is held open to the end of a run. Whoever reads or writes it goes through
 * `place` and `parent`, so that renaming what leads to it, or replacing it by a symbolic link, changes nothing.
 */
export interface HeldVolume extends Disposable {
  /** The real path at the time: for people, for locks, and to find it again after a crash. Nothing is opened by it. */
  readonly path: string
  /** False if there is no such directory; the one that it would lie in is there. */
  readonly exists: boolean
  /** A path that leads to the directory itself, even if opened with O_NOFOLLOW. Throws if it does not exist. */
  readonly place: string
  /** The same for the directory that it lies in. */
  readonly parent: string
  /** Where the directory lies now, as the kernel tells it; `path` if it does not exist. */
  currentPath(): string
}

const DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens the directory `names` below `root`, and the one above it, without following a symbolic link below `root`.
 * Mounts on the way are entered.
 * @param root a real path; nobody but root and this user can change the directories above it
 * @param names none for `root` itself
 * @throws ELOOP or ENOTDIR for a link or a file on the way, ENOENT if the directory above is missing
 */
export function holdVolume(root: string, names: readonly string[]): HeldVolume {
  const way = names.length > 0 ? names : [basename(root)]
  using opened = new DisposableStack()
  const keep = (fd: number) => opened.adopt(fd, closeSync)
  const top = keep(openSync(names.length > 0 ? root : dirname(root), DIRECTORY))
  const parent = way.length > 1 ? keep(openBelow(top, way.slice(0, -1).join('/'))) : top
  const volume = openIfThere(parent, way.at(-1) ?? '')
  if (volume !== undefined) keep(volume)
  const owned = opened.move()
  const path = join(root, ...names)
  return {
    path,
    exists: volume !== undefined,
    get place() {
      if (volume === undefined) throw new Error(`"${path}" does not exist`)
      return placeOf(volume)
    },
    parent: placeOf(parent),
    currentPath: () => (volume === undefined ? path : readlinkSync(`/proc/self/fd/${volume}`)),
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** Holds a volume by a real path that was written down: no part of it may be a symbolic link by now. */
export function holdRealPath(path: string): HeldVolume {
  return holdVolume(
    '/',
    path.split('/').filter((name) => name !== ''),
  )
}

function openIfThere(parent: number, name: string): number | undefined {
  try {
    return openBelow(parent, name)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function openBelow(dir: number, path: string): number {
  const kernel = loadKernel()
  const bytes = Buffer.from(path)
  if (kernel) return kernel.openAcrossMounts(dir, bytes, DIRECTORY)
  return openStepwise(openByPlace, { dir, path: bytes, flags: DIRECTORY, acrossMounts: true })
}

/** What openat does, where libc cannot be called. */
function openByPlace(dir: number, name: Buffer, flags: number): number {
  return openSync(Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name]), flags)
}

function placeOf(fd: number): string {
  return `/proc/self/fd/${fd}/.`
}
