import { readdir, readFile } from 'node:fs/promises'

/** For whatever else the process opens meanwhile. */
const RESERVE = 128

/** How many more descriptors this process may have open (RLIMIT_NOFILE). */
export async function countFreeDescriptors(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'latin1')
  const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  if (limit === undefined) return Number.POSITIVE_INFINITY
  return Number(limit) - (await readdir('/proc/self/fd')).length - RESERVE
}
