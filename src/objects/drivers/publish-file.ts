import type { BigIntStats } from 'node:fs'
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'

/** Errors of file systems without hard links, or with too many links of one file. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/** What identifies a file whatever its name is. */
export type StoredFile = Pick<BigIntStats, 'dev' | 'ino' | 'size'>

/**
 * Moves a file to an unused name; throws EEXIST if the name is in use. In between the file has both names, so that a
 * crash cannot lose it. If a call fails although it took effect, as on a network file system, the file itself decides.
 */
export async function publishFile(from: string, to: string, file: StoredFile): Promise<void> {
  try {
    await moveToFree(from, to)
  } catch (error) {
    if (!(await isFile(to, file))) throw error
    // If this fails, the object is published anyway, and the next settle sweeps its second name.
    await unlink(from).catch(() => {})
  }
}

async function moveToFree(from: string, to: string): Promise<void> {
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
  if (await exists(to))
    throw Object.assign(new Error(`EEXIST: file already exists, ${to}`), { code: 'EEXIST' })
  await rename(from, to)
}

async function exists(path: string): Promise<boolean> {
  // After any other error the name may be in use, and a rename would replace its file.
  return (await tolerate(['ENOENT'], () => lstat(path))) !== undefined
}

async function isFile(path: string, { dev, ino, size }: StoredFile): Promise<boolean> {
  try {
    const found = await lstat(path, { bigint: true })
    return found.dev === dev && found.ino === ino && found.size === size
  } catch {
    return false
  }
}
