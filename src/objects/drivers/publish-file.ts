import { link, lstat, rename, unlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'

/** Errors of file systems without hard links, or with too many links of one file. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/**
 * Moves a file to an unused name; throws EEXIST if the name is in use. In between the file has both names, so that a
 * crash cannot lose it.
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

/** Without hard links, checks and then renames: no race, because names of a store are only created under its lock. */
async function renameToFree(from: string, to: string): Promise<void> {
  const isTaken = await lstat(to).then(
    () => true,
    () => false,
  )
  if (isTaken) throw Object.assign(new Error(`EEXIST: file already exists, ${to}`), { code: 'EEXIST' })
  await rename(from, to)
}
