import { open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

/** Makes renames and new names in `folder` survive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces `file` atomically: writes beside it, syncs, renames, syncs the folder. Readers see old or new content. */
export async function writeFileAtomically(
  file: string,
  content: string | Buffer,
  mode = 0o600,
): Promise<void> {
  const temporary = `${file}.tmp-${process.pid}`
  const handle = await open(temporary, 'w', mode)
  try {
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await syncFolder(dirname(file))
}

/** The file's text, or undefined if the file does not exist. */
export async function readFileIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
