import { readFileSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { parseMountInfo } from '../../lib/mount-info.ts'

/** What is mounted at a directory and below it, as this process sees it. */
export interface Mounts {
  /** The mount the directory lies on, as mountIdOf gives it. */
  id: string
  /** Something is mounted at the directory itself. */
  here: boolean
  /**
   * Relative paths, as latin1 text of their bytes, where something is mounted. A mount that another one hides is attached
   * to that one's parent, so that it is not among them.
   */
  below: ReadonlySet<string>
}

/** By the mount table of this process (proc_pid_mountinfo(5)). `path` is the real path of what `fd` is open on. */
export function mountsAt(fd: number, path: Buffer): Mounts {
  const own = path.toString('latin1')
  const prefix = own === '/' ? own : `${own}/`
  const id = mountIdOf(fd)
  const mounts = parseMountInfo(readProc('/proc/self/mountinfo'))
  const below = mounts
    .filter(({ point, parent }) => point.startsWith(prefix) && (id === '' || parent === id))
    .map(({ point }) => point.slice(prefix.length))
  return { id, here: mounts.some((mount) => mount.id === id && mount.point === own), below: new Set(below) }
}

/** Which mount an open file lies on (proc_pid_fdinfo(5)); empty where the system does not say. */
export function mountIdOf(fd: number): string {
  return /^mnt_id:\s*(\d+)/m.exec(readProc(`/proc/self/fdinfo/${fd}`))?.[1] ?? ''
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  }
}
