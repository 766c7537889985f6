import { randomBytes } from 'node:crypto'
import { fstatSync, mkdirSync } from 'node:fs'
import { BackupdError } from '../../lib/errors.ts'
import { tolerate, tolerateSync } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { type Folder, isEmpty, openFolder } from './folder.ts'
import { isKeptFolder, type KeptNote } from './kept-note.ts'
import { type Pointer, savePointer } from './pointer.ts'
import { checkSameVolume, readIdentity } from './seen-volume.ts'
import { refuseUnfinished, type Staging } from './staging.ts'
import {
  isInside,
  LATE_FOLDER,
  NEW_FOLDER,
  OLD_FOLDER,
  stagingPlace,
  tidyStaging,
} from './staging-folders.ts'
import { readProtection } from './unprotect.ts'
import type { VolumeClaim } from './volume-claim.ts'

export interface UndoPlan {
  rid: string
  /** The claimed volume. */
  volume: HeldVolume
  note: KeptNote
}

/** Opens the folder with the content that a recover kept. @throws CONFLICT if it is not that folder any more */
export async function openKeptContent(note: KeptNote, volume: HeldVolume): Promise<Folder> {
  await using folder = await openKeptFolder(note, volume)
  return await openFolder(folder.at(note.content))
}

async function openKeptFolder(note: KeptNote, volume: HeldVolume): Promise<Folder> {
  await using top = await openFolder(volume.place)
  checkSameVolume(note, top)
  const place = stagingPlace(note, volume)
  const folder = await tolerate(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openFolder(place))
  if (folder && isKeptFolder(note, fstatSync(folder.fd, { bigint: true }))) return folder
  await folder?.[Symbol.asyncDispose]()
  const message = `"${note.staging}" is not the folder that the recover kept: something removed or replaced it`
  throw new BackupdError('CONFLICT', message)
}

/**
 * Prepares the swap of what a recover kept. The content stays in its folder, so that it is whole until the swap is
 * committed, and what it replaces goes into the empty folder beside it.
 * @throws CONFLICT if that is not as the recover left it, VOLUME_LOCKED if another recover of the volume is unfinished
 */
export async function prepareUndo(claim: VolumeClaim, { rid, volume, note }: UndoPlan): Promise<Staging> {
  await refuseUnfinished(claim.dataDir, claim.volume)
  await using folder = await openKeptFolder(note, volume)
  await tidyStaging(folder.self)
  for (const name of [note.content === 'old' ? NEW_FOLDER : OLD_FOLDER, LATE_FOLDER]) {
    tolerateSync(['EEXIST'], () => mkdirSync(folder.at(name), { mode: 0o700 }))
    await using empty = await openFolder(folder.at(name))
    if (await isEmpty(empty)) continue
    throw new BackupdError(
      'CONFLICT',
      `"${note.staging}/${name}" is not empty: something changed it. Remove what is in it`,
    )
  }
  const pointer = await planUndoPointer(rid, note, volume)
  const target = await openFolder(folder.at(note.content))
  try {
    await savePointer(claim.dataDir, pointer)
  } catch (error) {
    await target[Symbol.asyncDispose]()
    throw error
  }
  return {
    dataDir: claim.dataDir,
    pointer,
    volume,
    target: target.self,
    identity: folder.identity,
    refusedRename: null,
    leftOver: [],
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  }
}

async function planUndoPointer(rid: string, note: KeptNote, volume: HeldVolume): Promise<Pointer> {
  await using top = await openFolder(volume.place)
  const { inode, mtimeNs, seen } = readIdentity(top)
  const isWithin = isInside(note.staging, volume.path)
  return {
    format: 2,
    rid,
    phase: 'staging',
    volume: volume.path,
    staging: note.staging,
    nonce: randomBytes(16).toString('hex'),
    inode,
    mtimeNs: isWithin ? mtimeNs : null,
    seen,
    ...(isWithin && { protection: readProtection(top.fd) }),
    undo: { content: note.content },
  }
}
