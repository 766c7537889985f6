// Volumes: reading and replacing the directory trees that are backed up, whatever the backup format is.
//   allowed-paths.ts   resolves a volume's path, and checks that it may be read or written
//   tree/              walks a volume, and writes entries into a directory
//   copy/              copies a tree
//   swap/              replaces a volume's content, safe against crashes
// The formats (src/archive, src/restic), the store and the engine's plugins use it. Paths and names are bytes, and
// everything in a volume is untrusted: other processes may change it at any moment.

import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { O_PATH, openStepwise } from '../lib/kernel/open.ts'
import { loadKernel } from '../lib/kernel.ts'
import { tolerateSync } from '../lib/tolerate.ts'

/**
 * A volume that was resolved once and is held open to the end of a run. It is only accessed through `place` and
 * `parent`, so that renaming a parent directory, or replacing it by a symbolic link, has no effect.
 */
export interface HeldVolume extends Disposable {
  /** The real path when it was opened: for messages, locks, and to find it again after a crash. Never opened. */
  readonly path: string
  /** False if the directory does not exist; its parent does. */
  readonly exists: boolean
  /** A path through /proc to the open directory, which also works with O_NOFOLLOW. Throws if it does not exist. */
  readonly place: string
  /** The same for the parent directory. */
  readonly parent: string
  /** The current path of the directory, from the kernel; `path` if it does not exist. */
  currentPath(): string
}

const DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens the directory `names` below `root`, and its parent, without following symbolic links below `root`.
 * Mounts on the way are entered.
 * @param root a real path; only root and this user can change the directories above it
 * @param names empty for `root` itself
 * @throws ELOOP or ENOTDIR for a link or a file on the way, ENOENT if the directory above is missing
 */
export function holdVolume(root: string, names: readonly string[]): HeldVolume {
  const below = names.length > 0 ? names : [basename(root)]
  using opened = new DisposableStack()
  const keep = (fd: number) => opened.adopt(fd, closeSync)
  const top = keep(openSync(names.length > 0 ? root : dirname(root), DIRECTORY))
  const parent = below.length > 1 ? keep(openBelow(top, below.slice(0, -1).join('/'))) : top
  const volume = openIfThere(parent, below.at(-1) ?? '')
  if (volume !== undefined) keep(volume)
  const owned = opened.move()
  const path = join(root, ...names)
  return {
    path,
    exists: volume !== undefined,
    get place() {
      if (volume === undefined) throw new Error(`"${path}" does not exist`)
      return procPlace(volume)
    },
    parent: procPlace(parent),
    currentPath: () => (volume === undefined ? path : readlinkSync(`/proc/self/fd/${volume}`)),
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** Holds a volume by a real path that was stored earlier. Throws if a part of it is a symbolic link now. */
export function holdRealPath(path: string): HeldVolume {
  return holdVolume(
    '/',
    path.split('/').filter((name) => name !== ''),
  )
}

function openIfThere(parent: number, name: string): number | undefined {
  return tolerateSync(['ENOENT'], () => openBelow(parent, name))
}

function openBelow(dir: number, path: string): number {
  const kernel = loadKernel()
  const bytes = Buffer.from(path)
  if (kernel) return kernel.openAcrossMounts(dir, bytes, DIRECTORY)
  return openStepwise(openByPlace, { dir, path: bytes, flags: DIRECTORY, acrossMounts: true })
}

/** Replaces openat(2) if libc cannot be called. */
function openByPlace(dir: number, name: Buffer, flags: number): number {
  return openSync(Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name]), flags)
}

function procPlace(fd: number): string {
  return `/proc/self/fd/${fd}/.`
}
