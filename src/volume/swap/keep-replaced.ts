import { fstatSync, renameSync } from 'node:fs'
import { basename } from 'node:path'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../held-volume.ts'
import { dropKept } from './drop-kept.ts'
import { breather, type Folder, isOnSameMount, openFolder, statEntry, streamNames } from './folder.ts'
import type { JournalHeader } from './journal.ts'
import { identifyKept, type KeptNote, readKeptNotes, saveKeptNote } from './kept-note.ts'
import type { KeepTime, Pointer } from './pointer.ts'
import { removeSealedNote, writeSealedNote } from './sealed-note.ts'
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
  warn(message: string): void
}

/**
 * Notes the old content of a committed swap as kept, in the folder and in the data directory. May be repeated after a
 * crash. The older copies that the note names are still to be removed.
 * @throws if the data directory cannot be written; all else that fails is a warning
 */
export async function noteReplaced(
  { dataDir, pointer, folders, header, warn }: Keeping,
  { madeMs, untilMs, path }: KeepTime,
): Promise<KeptNote> {
  const { volume, staging, old, late } = folders
  const [content, other] = [await countTree(old), await countTree(late)]
  const failure = content.failure ?? other.failure
  if (failure) warn(`"${pointer.staging}": what is kept could not be counted completely (${failure})`)
  await keepAppeared(folders, pointer.rid).catch((error: unknown) =>
    warn(`"${pointer.staging}/late": what appeared could not be moved (${messageOf(error)}): remove it`),
  )
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
    ...identifyKept(fstatSync(staging.fd, { bigint: true })),
    content: pointer.undo?.content === 'old' ? 'new' : 'old',
    root: header.before,
    madeMs,
    untilMs,
    bytes: content.bytes + other.bytes,
    files: content.files + other.files,
    replaces: older.map((one) => one.id),
  }
  await seal(staging, note, warn)
  await saveKeptNote(dataDir, note)
  return note
}

/** Without the sealed note, only the data directory knows the copy. An outdated note must not stay. */
async function seal(staging: Folder, note: KeptNote, warn: Keeping['warn']): Promise<void> {
  try {
    await writeSealedNote(staging, note)
  } catch (error) {
    await removeSealedNote(staging).catch(() => {})
    const lost = 'it cannot be found again if the data directory is lost'
    warn(`"${note.staging}": the note of what is kept could not be written (${messageOf(error)}): ${lost}`)
  }
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

/** A process has changed the content meanwhile. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

interface Count {
  bytes: number
  files: number
  /** Why something is missing. */
  failure: string | undefined
}

/** Disk usage and number of names; each name of a hard link counts its share. What cannot be read is not counted. */
async function countTree(top: Folder): Promise<Count> {
  const breathe = breather()
  const count: Count = { bytes: 0, files: 0, failure: undefined }
  const visit = async (folder: Folder, depth: number): Promise<void> => {
    for await (const name of streamNames(folder)) {
      await breathe()
      await attempt(() => add(folder, name, depth))
    }
  }
  const add = async (folder: Folder, name: Buffer, depth: number): Promise<void> => {
    const stats = statEntry(folder, name)
    if (!stats) return
    count.bytes += (Number(stats.blocks) * 512) / (stats.isDirectory() ? 1 : Number(stats.nlink))
    if (!stats.isDirectory()) count.files++
    else if (depth < MAX_COUNTED_DEPTH) {
      await using below = await openFolder(folder.at(name))
      if (isOnSameMount(below, top)) await visit(below, depth + 1)
    }
  }
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      if (!GONE.has(errnoOf(error) ?? '')) count.failure ??= messageOf(error)
    }
  }
  await attempt(() => visit(top, 0))
  return { ...count, bytes: Math.ceil(count.bytes) }
}
