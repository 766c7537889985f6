import { open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

/** Makes a rename or a new name in `folder` outlive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces `file` by `content`: written beside it, synced, renamed, folder synced. A reader sees the old or the new. */
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

/** The file's text, or undefined where there is no such file. */
export async function readFileIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
