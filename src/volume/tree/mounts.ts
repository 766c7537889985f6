import { readFileSync } from 'node:fs'
import { parseMountInfo } from '../../lib/mount-info.ts'
import { tolerateSync } from '../../lib/tolerate.ts'

/** The mounts at a directory and below it, in this process's mount namespace. */
export interface Mounts {
  /** The id of the mount that the directory is on, from findMountId. */
  id: string
  /** Something is mounted at the directory itself. */
  here: boolean
  /**
   * Relative paths of mount points, as latin1 text. A mount that is hidden by another one has another parent mount, so
   * it is not among them.
   */
  below: ReadonlySet<string>
}

/** Reads the mount table (proc_pid_mountinfo(5)). `path` is the real path of `fd`. */
export function mountsAt(fd: number, path: Buffer): Mounts {
  const own = path.toString('latin1')
  const prefix = own === '/' ? own : `${own}/`
  const id = findMountId(fd)
  const mounts = parseMountInfo(readProcFile('/proc/self/mountinfo'))
  const below = mounts
    .filter(({ point, parent }) => point.startsWith(prefix) && (id === '' || parent === id))
    .map(({ point }) => point.slice(prefix.length))
  return { id, here: mounts.some((mount) => mount.id === id && mount.point === own), below: new Set(below) }
}

/** The id of the mount that an open file is on (proc_pid_fdinfo(5)); empty if the kernel does not report it. */
export function findMountId(fd: number): string {
  return /^mnt_id:\s*(\d+)/m.exec(readProcFile(`/proc/self/fdinfo/${fd}`))?.[1] ?? ''
}

function readProcFile(file: string): string {
  return tolerateSync(['ENOENT'], () => readFileSync(file, 'latin1'), '')
}
