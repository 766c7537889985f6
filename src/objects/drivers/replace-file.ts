import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { replaceAtomically } from '../../lib/atomic-file.ts'
import { unfinishedName } from '../unfinished.ts'

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
  await replaceAtomically(path, unfinishedName(path), async (temporary) => {
    await using file = await open(temporary, NEW, 0o600)
    await file.writeFile(content)
    await file.sync()
    await prepare(file, temporary)
  })
}
