import { closeSync, lstatSync, readlinkSync } from 'node:fs'
import { bytesToText, SLASH_BYTES, textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError, errnoOf } from '../../../lib/errors.ts'
import { FirstKeys } from '../../../lib/first-keys.ts'
import { toFileInfo } from '../../../restic/read/file-info.ts'
import { joinPath } from '../../../volume/tree/join-path.ts'
import { openNames } from '../../../volume/tree/name-stream.ts'
import { readEntryType, toTreeEntry } from '../../../volume/tree/stat-entry.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder } from '../../../volume/tree/write-folder.ts'
import { splitComponents } from '../../../volume/tree/write-paths.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { FilePage } from '../../../wire/daemon-api.ts'
import type { FolderQuestion } from '../../stored-backup.ts'
import { noSuchPath } from '../no-such-file.ts'

const NAMES_AT_ONCE = 256

/**
 * Lists the entries directly in a folder of a mirror, sorted by the bytes of their paths. Links are listed, never
 * followed. Uses the memory of one page. Throws NOT_FOUND if the path does not exist, BAD_INPUT if it is not a folder.
 * @param mirror a trusted path
 */
export async function listMirror(
  mirror: string,
  { path, after, limit }: Omit<FolderQuestion, 'snapshot'>,
): Promise<FilePage> {
  const inside = Buffer.concat(
    splitComponents(textToBytes(path)).flatMap((name) => [SLASH_BYTES, name]),
  ).subarray(1)
  const root = openOutputFolder(mirror)
  try {
    const folder = openInside(root, inside, path)
    try {
      return await readPage(folder, { inside, after: textToBytes(after).toString('latin1'), limit })
    } finally {
      if (folder !== root) closeSync(folder.fd)
    }
  } finally {
    closeSync(root.fd)
  }
}

const SELF = Buffer.from('.')

/** Throws NOT_FOUND if the folder does not exist, BAD_INPUT if it is none. The caller closes it unless it is the root. */
export function openInside(root: OutputFolder, inside: Buffer, path: string): OutputFolder {
  try {
    return inside.length === 0 ? root : openFolderBeneath(root, inside)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOTDIR' || code === 'ELOOP')
      throw new BackupdError('BAD_INPUT', `${JSON.stringify(path)} is not a directory in the backup`)
    if (code === 'ENOENT' || code === 'EXDEV' || code === 'ENAMETOOLONG') throw noSuchPath(path)
    throw error
  }
}

interface MirrorPage {
  inside: Buffer
  /** latin1: one character for each byte, so that strings compare like the bytes. */
  after: string
  limit: number
}

async function readPage(folder: OutputFolder, { inside, after, limit }: MirrorPage): Promise<FilePage> {
  const found = new FirstKeys<Buffer>(limit, after)
  const names = await openNames(folder.at(SELF))
  try {
    for (let some = await names.next(NAMES_AT_ONCE); some.length > 0; some = await names.next(NAMES_AT_ONCE))
      for (const { name } of some) found.put(joinPath(inside, name).toString('latin1'), () => name)
  } finally {
    await names.close()
  }
  const { entries, more } = found.page()
  const last = entries.at(-1)?.[0]
  return {
    files: entries.flatMap(([, name]) => readFileInfo(folder, inside, name)),
    next: more && last !== undefined ? bytesToText(Buffer.from(last, 'latin1')) : null,
  }
}

/** Empty for an entry that was deleted meanwhile, and for a socket, which no backup contains. */
function readFileInfo(folder: OutputFolder, inside: Buffer, name: Buffer): FileInfo[] {
  const stat = lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false })
  const type = stat && readEntryType(stat)
  if (!stat || !type) return []
  const entry = toTreeEntry(type, stat, joinPath(inside, name))
  if (type === 'symlink') entry.linkTarget = readlinkSync(folder.at(name), { encoding: 'buffer' })
  return [toFileInfo(entry)]
}
