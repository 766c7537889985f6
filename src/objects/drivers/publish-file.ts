import { link, lstat, rename, unlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'

/** File systems without hard links, and those that will not have more of them. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/**
 * Moves a file to a name that nobody has: EEXIST where somebody does. In between it has both names, so that a crash
 * loses neither.
 */
export async function publishFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error) ?? '')) throw error
    return await renameToFree(from, to)
  }
  await unlink(from)
}

/** As near as a file system without links comes to it: the names of a store are made under its lock. */
async function renameToFree(from: string, to: string): Promise<void> {
  const isTaken = await lstat(to).then(
    () => true,
    () => false,
  )
  if (isTaken) throw Object.assign(new Error(`EEXIST: file already exists, ${to}`), { code: 'EEXIST' })
  await rename(from, to)
}
