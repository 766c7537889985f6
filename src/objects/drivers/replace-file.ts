import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
/** Flags to open a new object. */
export const NEW = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW

/**
 * Replaces a file atomically and durably. After a crash, the store removes the temporary file by its name.
 * @param prepare called with the new file once its content is synced, before it is renamed.
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
