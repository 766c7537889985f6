import { readdirSync, rmSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { tolerate } from './tolerate.ts'

/** Makes renames and new names in `folder` survive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes a file or folder under a temporary name beside `path`, then renames it, so that others see the old one, or the
 * new one whole, also after a power loss. If `make` fails, nothing of it is left.
 * @param make must sync what it writes
 */
export async function replaceAtomically(
  path: string,
  temporary: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  try {
    await make(temporary)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw error
  }
  await syncFolder(dirname(path))
}

/** Replaces `file` atomically with `content`. Not in a volume: a link that others plant at the temporary name is followed. */
export async function writeFileAtomically(
  file: string,
  content: string | Buffer,
  mode = 0o600,
): Promise<void> {
  await replaceAtomically(file, `${file}.tmp-${process.pid}`, async (temporary) => {
    await using handle = await open(temporary, 'w', mode)
    await handle.writeFile(content)
    await handle.sync()
  })
}

/** Deletes what a killed process left of its writing of `file`. Only for a process that alone writes it. */
export function removeUnfinishedWrites(file: string): void {
  const folder = dirname(file)
  const begin = `${basename(file)}.tmp-`
  for (const name of readdirSync(folder))
    if (name.startsWith(begin) && /^\d+$/.test(name.slice(begin.length)))
      rmSync(join(folder, name), { force: true })
}

/** The file's text, or undefined if the file does not exist. */
export function readFileIfThere(file: string): Promise<string | undefined> {
  return tolerate(['ENOENT'], () => readFile(file, 'utf8'))
}
