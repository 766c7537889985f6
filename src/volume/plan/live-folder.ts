// plan/ finds out what a restore would do to a volume, without reading content; restic/restore/plan-restore.ts does it for
// snapshots, plan-entries.ts for backups of other kinds.

import { type BigIntStats, closeSync, lstatSync, readdirSync } from 'node:fs'
import { tolerateSync } from '../../lib/tolerate.ts'
import { isStagingName } from '../swap/staging-folders.ts'
import type { EntryType } from '../tree/entry.ts'
import { readEntryType } from '../tree/stat-entry.ts'
import { type OutputFolder, openFolderBeneath } from '../tree/write-folder.ts'

/** An entry of the volume as it is now. */
export interface LiveEntry {
  name: Buffer
  /** Undefined for a socket. */
  type: EntryType | undefined
  stat: BigIntStats
}

const HERE = Buffer.from('.')

/**
 * Lists an open folder of a volume, sorted by the bytes of the names. Skips staging folders at the top, as a recover
 * does.
 */
export function* listLive(folder: OutputFolder, isTop: boolean): Generator<LiveEntry> {
  const names = readdirSync(folder.at(HERE), { encoding: 'buffer' }).sort(Buffer.compare)
  for (const name of names) {
    if (isTop && isStagingName(name)) continue
    const stat = lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false })
    if (stat) yield { name, type: readEntryType(stat), stat }
  }
}

/** Opens a subfolder while `use` runs; undefined if it is gone, is not a folder any more, or is a mount point. */
export async function withLiveFolder(
  folder: OutputFolder | undefined,
  name: Buffer,
  use: (inner: OutputFolder | undefined) => Promise<void>,
): Promise<void> {
  const inner = folder && openIfFolder(folder, name)
  try {
    await use(inner)
  } finally {
    if (inner) closeSync(inner.fd)
  }
}

/** Undefined if it is gone, is not a folder any more, or is a mount point. The caller closes `fd`. */
export function openIfFolder(folder: OutputFolder, name: Buffer): OutputFolder | undefined {
  const codes = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'EACCES']
  return tolerateSync(codes, () => openFolderBeneath(folder, name))
}

/** Whether a folder has entries. False also if it was replaced meanwhile, or cannot be opened. */
export async function holdsEntries(folder: OutputFolder, name: Buffer): Promise<boolean> {
  let holds = false
  await withLiveFolder(folder, name, async (inner) => {
    holds = inner !== undefined && listLive(inner, false).next().done !== true
  })
  return holds
}
