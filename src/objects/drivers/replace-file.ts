import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
/** How a new object is opened. */
export const NEW = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW

/**
 * Its temporary name is one that the store sweeps.
 * @param prepare called with the new file once its content is synced, before it takes the name.
 */
export async function replaceFile(
  path: string,
  content: Buffer,
  prepare: (file: FileHandle, temporary: string) => Promise<void> = async () => {},
): Promise<void> {
  const temporary = join(dirname(path), `${basename(path)}.part-${randomBytes(21).toString('hex')}`)
  const file = await open(temporary, NEW, 0o600)
  try {
    try {
      await file.writeFile(content)
      await file.sync()
      await prepare(file, temporary)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await syncFolder(dirname(path))
}
