import { renameSync } from 'node:fs'
import { basename } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { dropKept } from './drop-kept.ts'
import { breather, type Folder, isOnSameMount, openFolder, statEntry, streamNames } from './folder.ts'
import type { JournalHeader } from './journal.ts'
import { type KeptNote, readKeptNotes, saveKeptNote } from './kept-note.ts'
import type { KeepTime, Pointer } from './pointer.ts'
import { writeSealedNote } from './sealed-note.ts'
import { readIdentity } from './seen-volume.ts'
import { STAGING_PREFIX } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'

/** What is nested deeper is not counted, because each level takes a descriptor. */
const MAX_COUNTED_DEPTH = 200

export interface Keeping {
  dataDir: string
  pointer: Pointer
  folders: SwapFolders
  header: JournalHeader
}

/**
 * Notes the old content of a committed swap as kept, in the folder and in the data directory. May be repeated after a
 * crash. The older copies that the note names are still to be removed.
 */
export async function noteReplaced(
  { dataDir, pointer, folders, header }: Keeping,
  { madeMs, untilMs, path }: KeepTime,
): Promise<KeptNote> {
  const { volume, staging, old, late } = folders
  const [content, other] = [await countTree(old), await countTree(late)]
  await keepAppeared(folders, pointer.rid)
  const { inode, seen } = readIdentity(volume)
  const id = basename(pointer.staging).slice(STAGING_PREFIX.length)
  const older = (await readKeptNotes(dataDir)).filter(
    (note) => note.volume === pointer.volume && note.id !== id,
  )
  const note: KeptNote = {
    format: 1,
    id,
    rid: pointer.rid,
    volume: pointer.volume,
    path,
    inode,
    seen,
    staging: pointer.staging,
    stagingInode: String(staging.identity.inode),
    content: pointer.undo?.content === 'old' ? 'new' : 'old',
    root: header.before,
    madeMs,
    untilMs,
    bytes: content.bytes + other.bytes,
    files: content.files + other.files,
    replaces: older.map((one) => one.id),
  }
  await writeSealedNote(staging, note)
  await saveKeptNote(dataDir, note)
  return note
}

/** Keeps what appeared during the swap beside the content, so that an undo does not take it for its own. */
async function keepAppeared({ staging, late }: SwapFolders, rid: string): Promise<void> {
  for await (const name of streamNames(late))
    renameSync(late.at(name), staging.at(`appeared-${rid}-${name.toString('latin1')}`))
}

/** Removes the copies that a newer one of the same volume replaces. What fails is tried again when copies expire. */
export async function dropReplaced(
  dataDir: string,
  { replaces }: Pick<KeptNote, 'replaces'>,
  { volume, warn }: { volume: HeldVolume; warn(message: string): void },
): Promise<void> {
  if (replaces.length === 0) return
  for (const note of await readKeptNotes(dataDir)) {
    if (!replaces.includes(note.id)) continue
    await dropKept(dataDir, note, { volume, warn }).catch((error: unknown) =>
      warn(`"${note.staging}": what an earlier recover kept could not be removed (${messageOf(error)})`),
    )
  }
}

/** Disk usage and number of names; each name of a hard link counts its share. */
async function countTree(top: Folder): Promise<{ bytes: number; files: number }> {
  const breathe = breather()
  let [bytes, files] = [0, 0]
  const visit = async (folder: Folder, depth: number): Promise<void> => {
    for await (const name of streamNames(folder)) {
      await breathe()
      const stats = statEntry(folder, name)
      if (!stats) continue
      bytes += (Number(stats.blocks) * 512) / (stats.isDirectory() ? 1 : Number(stats.nlink))
      if (!stats.isDirectory()) files++
      else if (depth < MAX_COUNTED_DEPTH) await visitBelow(folder, name, depth)
    }
  }
  const visitBelow = async (folder: Folder, name: Buffer, depth: number): Promise<void> => {
    const codes = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EMFILE']
    const inner = await tolerate(codes, () => openFolder(folder.at(name)))
    if (!inner) return
    await using below = inner
    if (isOnSameMount(below, top)) await visit(below, depth + 1)
  }
  await visit(top, 0)
  return { bytes: Math.ceil(bytes), files }
}
