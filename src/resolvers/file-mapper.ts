// Like mapper.ts, for entries of backups.

import type { BackupInfo, FileInfo } from '../wire/backup.ts'
import { toUncounted } from './connection-mapper.ts'
import type { File } from './types/backup.ts'
import type { Connection } from './types/connection.ts'

/** One page of a folder. @param first it is the first page, so its count is the total if no page follows */
export function toFiles(
  { files, next }: { files: FileInfo[]; next: string | null },
  origin: File['origin'],
  first: boolean,
): Connection<File> {
  const items = files.map((file) => ({ cursor: file.path, node: Object.assign(file, { origin }) }))
  return toUncounted({ items, hasNextPage: next !== null }, first)
}

/** @param snapshot undefined: the daemon did not say which */
export function toFile(file: FileInfo | null, backup: BackupInfo, snapshot: string | undefined): File | null {
  return file && { ...file, ...(snapshot !== undefined && { origin: { backup, snapshot } }) }
}
