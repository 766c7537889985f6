import { rmdirSync } from 'node:fs'
import { tolerate, tolerateSync } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { openFolder } from './folder.ts'
import { deleteKeptNote, type KeptNote, saveKeptNote } from './kept-note.ts'
import { emptyFolder } from './remove-tree.ts'
import { restoreTime } from './restore-time.ts'
import { checkSameVolume, readIdentity } from './seen-volume.ts'
import { isInside, stagingPlace } from './staging-folders.ts'

export interface Dropping {
  /** The volume of the note. */
  volume: HeldVolume
  signal?: AbortSignal
  warn(message: string): void
}

/**
 * Removes what a recover kept. From its first step on it cannot be put back any more, so that nobody gets half of it.
 * May be repeated after a crash. Another folder that has taken the place of ours is left untouched.
 * @throws VOLUME_MISSING if the folder is inside the volume, and that is not the same directory any more
 */
export async function dropKept(
  dataDir: string,
  note: KeptNote,
  { volume, signal, warn }: Dropping,
): Promise<void> {
  const before = isInside(note.staging, note.volume) ? await readVolume(note, volume) : undefined
  await saveKeptNote(dataDir, { ...note, dropping: true })
  const place = stagingPlace(note, volume)
  const opened = await tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openFolder(place))
  if (opened) {
    await using folder = opened
    if (String(folder.identity.inode) === note.stagingInode) {
      await emptyFolder(folder, signal)
      tolerateSync(['ENOENT'], () => rmdirSync(place))
    } else warn(`"${note.staging}" is not the folder that a recover kept: it was left as it is`)
  }
  if (before) await restoreTime(before, volume)
  await deleteKeptNote(dataDir, note.id)
}

async function readVolume(note: KeptNote, volume: HeldVolume) {
  await using top = await openFolder(volume.place)
  checkSameVolume(note, top)
  return readIdentity(top)
}
