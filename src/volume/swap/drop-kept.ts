import { fstatSync, rmdirSync } from 'node:fs'
import { tolerate, tolerateSync } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { openFolder } from './folder.ts'
import { deleteKeptNote, isKeptFolder, type KeptNote, saveKeptNote } from './kept-note.ts'
import { deletePointer, readPointers } from './pointer.ts'
import { emptyFolder } from './remove-tree.ts'
import { restoreTime } from './restore-time.ts'
import { removeSealedNote } from './sealed-note.ts'
import { checkSameVolume, readIdentity } from './seen-volume.ts'
import { isInside, stagingPlace } from './staging-folders.ts'

export interface Dropping {
  /** The volume of the note. */
  volume: HeldVolume
  signal?: AbortSignal
  warn(message: string): void
}

/**
 * Removes what a recover kept, of a claimed volume without unfinished swaps. From its first step on it cannot be put back any more, so that nobody gets half of it.
 * May be repeated after a crash. Another folder that has taken the place of ours is left untouched.
 * @throws VOLUME_MISSING if the folder is inside the volume, and that is not the same directory any more
 */
export async function dropKept(
  dataDir: string,
  note: KeptNote,
  { volume, signal, warn }: Dropping,
): Promise<void> {
  const before = isInside(note.staging, note.volume) ? await readVolume(note, volume) : undefined
  // On a full disk, nothing is written: after a crash, nobody knows the rest of the copy then.
  const isMarked = await tolerate(['ENOSPC', 'EDQUOT'], () => mark(dataDir, note), false)
  const place = stagingPlace(note, volume)
  const opened = await tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openFolder(place))
  if (opened) {
    await using folder = opened
    if (isKeptFolder(note, fstatSync(folder.fd, { bigint: true }))) {
      // Half a copy must not be found again if the data directory is lost, too.
      await removeSealedNote(folder)
      await forgetCopy(dataDir, note, isMarked)
      await emptyFolder(folder, signal)
      tolerateSync(['ENOENT'], () => rmdirSync(place))
    } else warn(`"${note.staging}" is not the folder that a recover kept: it was left as it is`)
  }
  if (before) await restoreTime(before, volume)
  await deleteKeptNote(dataDir, note.id)
}

async function mark(dataDir: string, note: KeptNote): Promise<boolean> {
  await saveKeptNote(dataDir, { ...note, dropping: true })
  return true
}

/** The swap that made the copy is complete, but perhaps not its pointer, which cannot be settled without the folder. */
async function forgetCopy(dataDir: string, { id, staging }: KeptNote, isMarked: boolean): Promise<void> {
  if (!isMarked) await deleteKeptNote(dataDir, id)
  const { pointers } = await readPointers(dataDir)
  const own = pointers.filter((pointer) => pointer.phase === 'swap' && pointer.staging === staging)
  for (const { rid } of own) await deletePointer(dataDir, rid)
}

async function readVolume(note: KeptNote, volume: HeldVolume) {
  await using top = await openFolder(volume.place)
  checkSameVolume(note, top)
  return readIdentity(top)
}
