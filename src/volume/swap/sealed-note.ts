import { createHash } from 'node:crypto'
import { constants, fstatSync, renameSync, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError, messageOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { tolerate, tolerateSync } from '../../lib/tolerate.ts'
import { parseJson } from '../../wire/json.ts'
import type { HeldVolume } from '../held-volume.ts'
import { type Folder, openFolder, statEntry, streamNames } from './folder.ts'
import { JOURNAL } from './journal.ts'
import { isKeptFolder, type KeptNote, keptNoteSchema, readKeptNote, saveKeptNote } from './kept-note.ts'
import { readPointer } from './pointer.ts'
import { checkSameVolume } from './seen-volume.ts'
import { isStagingName, STAGING_PREFIX } from './staging-folders.ts'
import { withoutProtection } from './unprotect.ts'

/** The copy of the note in the folder itself. */
export const SEALED_NOTE = 'kept'
/** Only a process with CAP_SYS_ADMIN on the machine itself sets it, which a container does not have. */
const SEAL = Buffer.from('trusted.backupd.kept')
const MAX_NOTE_BYTES = 16 * 1024 * 1024
const RID = /^[\w-]{1,64}$/

/** Writes the copy of the note into the folder and seals it, if the file system and the daemon's rights allow it. */
export async function writeSealedNote(staging: Folder, note: KeptNote): Promise<void> {
  const text = JSON.stringify(note)
  const temporary = staging.at(`${SEALED_NOTE}.tmp`)
  // A container can write to a volume that has the folder in it: a FIFO of this name would be waited for.
  tolerateSync(['ENOENT'], () => unlinkSync(temporary))
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  renameSync(temporary, staging.at(SEALED_NOTE))
  try {
    loadKernel()?.setXattr(staging.fd, SEAL, sealOf(text))
  } catch (error) {
    if (!isSystemError(error)) throw error
  }
  await staging.sync()
}

/** After this, the folder is not found again if the data directory is lost. */
export async function removeSealedNote(staging: Folder): Promise<void> {
  for (const name of [SEALED_NOTE, `${SEALED_NOTE}.tmp`])
    tolerateSync(['ENOENT', 'EISDIR'], () =>
      withoutProtection(staging.at(name), () => unlinkSync(staging.at(name))),
    )
  tolerateSync(['ENOTSUP', 'EPERM', 'EROFS'], () => loadKernel()?.removeXattr(staging.fd, SEAL))
  await staging.sync()
}

function sealOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** What is searched for copies. */
export interface SearchedVolume {
  volume: HeldVolume
  /** The path of the volume as it is named. */
  path: string
  /** Real paths of all volumes, which containers can write to. */
  volumes: readonly string[]
  /** No copy is kept longer. */
  untilMs: number
  warn(message: string): void
}

/**
 * Finds copies beside and in a volume of which the data directory knows nothing, because it is a new one, and notes
 * them. Only folders of the daemon's own user count, whose sealed note names this very volume and this very folder.
 * Without the seal, only those in a directory that nobody else can write to. What the note says of other copies is not
 * believed.
 * @throws what the file system refuses
 */
export async function findLostCopies(
  dataDir: string,
  { volume, path: named, volumes, untilMs, warn }: SearchedVolume,
): Promise<KeptNote[]> {
  if (!volume.exists) return []
  await using top = await openFolder(volume.place)
  const found: KeptNote[] = []
  const places = [
    { path: dirname(volume.path), place: volume.parent, isInside: false },
    { path: volume.path, place: volume.place, isInside: true },
  ]
  for (const { path, place, isInside } of places) {
    await using folder = await openFolder(place)
    const isPrivate = !isInside && isOwnedAlone(folder) && !volumes.some((one) => liesBelow(path, one))
    for await (const name of streamNames(folder)) {
      if (!isStagingName(name)) continue
      const id = name.subarray(STAGING_PREFIX.length).toString('latin1')
      if (!RID.test(id)) continue
      try {
        if (readKeptNote(dataDir, id) || readPointer(dataDir, id)) continue
        const note = await readSealedNote(folder.at(name), isPrivate)
        if (!note || note.id !== id || note.volume !== volume.path) continue
        if (note.staging !== join(path, name.toString())) continue
        checkSameVolume(note, top)
        const until = Math.min(note.untilMs, untilMs)
        const believed = {
          ...note,
          path: named,
          replaces: [],
          untilMs: until,
          madeMs: Math.min(note.madeMs, until),
        }
        await saveKeptNote(dataDir, believed)
        found.push(believed)
      } catch (error) {
        if (isSystemError(error)) throw error
        warn(`"${path}/${name}" is not taken for what a recover kept: ${messageOf(error)}`)
      }
    }
  }
  return found
}

function liesBelow(path: string, volume: string): boolean {
  return path === volume || path.startsWith(volume.endsWith('/') ? volume : `${volume}/`)
}

function isOwnedAlone({ fd }: Folder): boolean {
  const { uid, mode } = fstatSync(fd)
  return uid === process.geteuid?.() && (mode & 0o022) === 0
}

/** Undefined if it is not a folder of ours, or an undo was interrupted in it. */
async function readSealedNote(place: Buffer, isPrivate: boolean): Promise<KeptNote | undefined> {
  const folder = await tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openFolder(place))
  if (!folder) return undefined
  await using staging = folder
  const { uid, mode } = fstatSync(staging.fd)
  if (uid !== process.geteuid?.() || (mode & 0o777) !== 0o700) return undefined
  if (statEntry(staging, JOURNAL)) return undefined
  const text = await readNoteText(staging)
  if (text === undefined) return undefined
  const seal = tolerateSync(['ENOTSUP', 'ENODATA'], () => loadKernel()?.getXattr(staging.fd, SEAL))
  if (!isPrivate && !seal?.equals(sealOf(text))) return undefined
  const note = parseJson('The note of what a recover kept', text, keptNoteSchema)
  return isKeptFolder(note, fstatSync(staging.fd, { bigint: true })) ? note : undefined
}

async function readNoteText(staging: Folder): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await tolerate(['ENOENT', 'ELOOP'], () => open(staging.at(SEALED_NOTE), flags))
  if (!file) return undefined
  try {
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MAX_NOTE_BYTES) return undefined
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
