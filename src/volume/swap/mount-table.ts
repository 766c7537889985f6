import { type Mount, parseMountInfo } from '../../lib/mount-info.ts'
import { readProcText } from './foreign-proc.ts'

/** Where a file is on its file system, independent of the mount it is reached through. */
export interface PlaceOnDevice {
  device: string
  path: string
}

/** The mounts a process sees, in the order they were made. */
export async function readMounts(pid: number | 'self'): Promise<Mount[]> {
  return parseMountInfo(await readProcText(`/proc/${pid}/mountinfo`))
}

/** Whether `path` is `folder` itself or inside it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** Translates a path of a process to its place. If mounts cover each other, the newest one counts, as in the kernel. */
export function findPlaceOnDevice(path: string, mounts: readonly Mount[]): PlaceOnDevice | undefined {
  let best: Mount | undefined
  for (const mount of mounts) {
    if (isWithin(path, mount.point) && (!best || mount.point.length >= best.point.length)) best = mount
  }
  if (!best) return undefined
  const rest = best.point === '/' ? path : path.slice(best.point.length)
  return { device: best.device, path: join(best.root, rest) }
}

function join(root: string, rest: string): string {
  if (rest === '' || rest === '/') return root
  return root === '/' ? rest : root + rest
}

/** A path as latin1 text, as this file's other functions expect it. */
export function printMountPath(path: string | Buffer): string {
  return Buffer.from(path).toString('latin1')
}

/** Lists mount points below `folder` in this process's mount namespace. */
export async function listMountsBelow(folder: string): Promise<string[]> {
  const text = printMountPath(folder)
  const points = (await readMounts('self')).map((mount) => mount.point)
  return points
    .filter((point) => point !== text && isWithin(point, text))
    .map((point) => Buffer.from(point, 'latin1').toString())
}
