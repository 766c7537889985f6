import { textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { FirstKeys } from '../../../lib/first-keys.ts'
import { trimSlashes } from '../../../lib/trim-slashes.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { FilePage } from '../../../wire/daemon-api.ts'
import type { FolderQuestion } from '../../stored-backup.ts'
import { noSuchPath } from '../no-such-file.ts'

/**
 * Lists the entries directly in a folder of a backup, sorted by the bytes of their paths, in the memory of one page.
 * Throws NOT_FOUND if the backup has no such path, BAD_INPUT if it is not a folder.
 */
export async function listFolder(
  entries: AsyncIterable<FileInfo>,
  { path, after, limit }: Omit<FolderQuestion, 'snapshot'>,
): Promise<FilePage> {
  const folder = sortKey(trimSlashes(path))
  const prefix = folder === '' ? '' : `${folder}/`
  const found = new FirstKeys<FileInfo>(limit, sortKey(after))
  let type: FileInfo['type'] | undefined = folder === '' ? 'directory' : undefined
  for await (const entry of entries) {
    const key = sortKey(entry.path)
    if (key === folder) type = entry.type
    else if (key.startsWith(prefix) && !key.includes('/', prefix.length)) found.put(key, () => entry)
  }
  if (type === undefined) throw noSuchPath(path)
  if (type !== 'directory')
    throw new BackupdError('BAD_INPUT', `${JSON.stringify(path)} is a ${type}, not a directory`)
  const page = found.page()
  const files = page.entries.map(([, file]) => file)
  return { files, next: page.more ? (files.at(-1)?.path ?? null) : null }
}

/** latin1: one character for each byte, so that strings compare like the bytes of the path. */
function sortKey(path: string): string {
  return textToBytes(path).toString('latin1')
}
