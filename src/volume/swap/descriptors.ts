import { readdir, readFile } from 'node:fs/promises'

/** Descriptors left for everything else that the process opens meanwhile. */
const RESERVED_DESCRIPTORS = 128

/** How many more descriptors this process may open (RLIMIT_NOFILE, minus a reserve). */
export async function countFreeDescriptors(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'latin1')
  const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  if (limit === undefined) return Number.POSITIVE_INFINITY
  return Number(limit) - (await readdir('/proc/self/fd')).length - RESERVED_DESCRIPTORS
}
