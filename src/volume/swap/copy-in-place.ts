import { basename } from 'node:path'
import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, errnoOf, messageOf } from '../../lib/errors.ts'
import { copyMirror } from '../copy/copy-mirror.ts'
import type { TreeEntry, TreeWarning } from '../tree/entry.ts'
import { checkStaging, headerOf, refuseMounts } from './begin-swap.ts'
import { checkCopy } from './check-copy.ts'
import { cleanUp } from './clean-up.ts'
import { type Clearing, clearVolume, removeUnwanted } from './clear-volume.ts'
import { lookUp } from './folder.ts'
import { type JournalHeader, writeJournal } from './journal.ts'
import { type Pointer, savePointer } from './pointer.ts'
import { protectListed } from './protected-list.ts'
import { type Ending, markDone } from './roll.ts'
import { applyRoot, protectionLost } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'
import { unprotectOpen } from './unprotect.ts'

/**
 * Replaces the content of a volume without a rename, for file systems that refuse those: once all that was unpacked is
 * on the disk, the old content is removed and the new one copied. From the first change on this cannot be undone. The
 * staging stays whole to the end, so after a crash, or when there is room again, the copy is done once more.
 */
export interface CopyInput {
  staging: Staging
  /** The volume's own metadata in the backup; null = it keeps what it has. */
  root: TreeEntry | null
  /** How much could not be unpacked exactly: told by whoever finishes the copy after a crash. */
  unpackFaults?: number
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  checkpoint?(at: CopyCheckpoint): void
}

/** The points a copy passes, in this order. */
export type CopyCheckpoint = 'begun' | 'cleared' | 'copied' | 'in place'

/**
 * @returns how much could not be put in place exactly; each was a warning
 * @throws SYSTEM_REFUSED, NO_ROOM, CONFLICT with the volume as it was; VOLUME_LOCKED if the copy stopped half way
 */
export async function copyInPlace(input: CopyInput): Promise<{ faults: number }> {
  const { staging } = input
  await using folders = await openSwapFolders(staging.pointer, staging.volume)
  await refuseMounts(staging.volume.currentPath())
  checkStaging(staging, folders)
  const { pointer, header } = await beginCopy(input, folders)
  const ending = endingOf(input, pointer)
  const lost = protectionLost(pointer.volume, input.root ? input.root.flags : header.before.flags)
  if (lost) ending.warn(lost)
  try {
    return await copyForward({ ...input, ending, folders, header })
  } catch (error) {
    throw halfWay(staging, error)
  }
}

/** On disk when it resolves: all that was unpacked, the journal, the pointer to it. Nothing was removed yet. */
async function beginCopy(
  input: CopyInput,
  folders: SwapFolders,
): Promise<{ pointer: Pointer; header: JournalHeader }> {
  const { staging, signal, onProgress } = input
  const header = headerOf(staging, folders, input)
  const pointer: Pointer = { ...staging.pointer, phase: 'copy' }
  try {
    const onPath = (path: Buffer) => onProgress({ bytes: 0, files: 0, path })
    header.entries = await checkCopy(folders, { staging: basename(pointer.staging), signal, onPath })
    await syncFilesystem(folders.staging)
    // The checks may have taken long.
    await refuseMounts(staging.volume.currentPath())
    await writeJournal(folders.staging, header, nothing())
    signal.throwIfAborted()
    await savePointer(staging.dataDir, pointer)
  } catch (error) {
    await applyRoot(folders.volume, header.before, () => {})
    throw error
  }
  return { pointer, header }
}

async function* nothing() {}

function endingOf({ staging, onWarning }: CopyInput, pointer: Pointer): Ending {
  const warn = (message: string) => onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  return { dataDir: staging.dataDir, volume: staging.volume, pointer, warn }
}

function halfWay({ pointer: { volume, staging } }: Staging, cause: unknown): BackupdError {
  const what = `the copy into "${volume}" stopped half way (${messageOf(cause)}): its content is neither the old nor the new`
  const todo = `Remove the cause; the next recover of the volume, or a restart of the daemon, copies it again from "${staging}"`
  return new BackupdError('VOLUME_LOCKED', `${what}. ${todo}`, { facts: { journal: staging }, cause })
}

export interface Forward extends Pick<CopyInput, 'signal' | 'onWarning' | 'onProgress' | 'checkpoint'> {
  ending: Ending
  folders: SwapFolders
  header: JournalHeader
}

/** From whatever an earlier attempt left to the end. May be called again after a crash. */
export async function copyForward(forward: Forward): Promise<{ faults: number }> {
  const { ending, folders, header, checkpoint, onWarning } = forward
  const { volume, staging } = folders
  checkpoint?.('begun')
  unprotectOpen(volume.fd)
  let faults = await replaceContent(forward)
  checkpoint?.('copied')
  const fault = (path: Buffer, message: string) => {
    faults++
    onWarning({ severity: 'fault', path, message })
  }
  await removeLeft(forward, fault)
  await applyRoot(volume, header.after, (message) => fault(Buffer.alloc(0), message))
  await syncFilesystem(volume)
  const protecting = { staging, top: volume, warn: (message: string) => ending.warn(message) }
  if (await protectListed(protecting)) await syncFilesystem(volume)
  checkpoint?.('in place')
  const done = await markDone(ending, folders)
  await cleanUp(ending.dataDir, done, ending.volume).catch((error: unknown) =>
    ending.warn(
      `${done.staging}: could not be cleaned up (${messageOf(error)}); the next run on the volume tries again`,
    ),
  )
  return { faults }
}

/** What a process in the volume causes that replaces directories meanwhile; no link is followed. */
const DISTURBED = new Set(['ELOOP', 'ENOTDIR', 'ENOENT', 'ENOTEMPTY', 'EEXIST'])
const ATTEMPTS = 20

/** Returns the faults of the attempt that came to its end. */
async function replaceContent(forward: Forward): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await refuseMounts(forward.ending.volume.currentPath())
      await clearVolume(clearingOf(forward))
      forward.checkpoint?.('cleared')
      return await copyAll(forward)
    } catch (error) {
      if (attempt === ATTEMPTS || !DISTURBED.has(errnoOf(error) ?? '')) throw error
    }
  }
}

function clearingOf({ ending, folders, signal, onProgress }: Forward): Clearing {
  const onPath = (path: Buffer) => onProgress({ bytes: 0, files: 0, path })
  const { volume, fresh, staging } = folders
  const held = [staging.identity, fresh.identity]
  return { volume, wanted: fresh, own: ownName(ending), held, signal, onPath }
}

/** Of the staging folder, if it lies in the volume. */
function ownName({ pointer: { staging, volume } }: Ending): string | null {
  return isInside(staging, volume) ? basename(staging) : null
}

type Fault = (path: Buffer, message: string) => void

/** Returns the faults of the copy itself. */
async function copyAll({ ending, folders, header, ...input }: Forward): Promise<number> {
  const own = ownName(ending)
  const fault: Fault = (path, message) => input.onWarning({ severity: 'fault', path, message })
  const isHidden = own !== null && lookUp(folders.fresh, own) !== undefined
  if (isHidden)
    fault(Buffer.from(own), 'has the name of the folder from which it is recovered: recover it once more')
  const of = (path: Buffer) => (path.toString() === own ? 'none' : 'all')
  const { signal, onWarning, onProgress } = input
  const copy = { mirror: folders.fresh.self, target: folders.volume.self, chosen: { of } }
  const { entries, faults } = await copyMirror({ ...copy, signal, onWarning, onProgress })
  if (isHidden || faults > 0) return faults + (isHidden ? 1 : 0)
  const missing = Math.max((header.entries ?? 0) - entries, 0)
  if (missing > 0)
    fault(
      Buffer.alloc(0),
      `only ${entries} of ${header.entries} entries were copied: something removed the rest from "${ending.pointer.staging}". Recover it once more`,
    )
  return missing
}

async function removeLeft(forward: Forward, fault: Fault): Promise<void> {
  const appeared: string[] = []
  let count = 0
  const removed = (path: Buffer) => {
    if (count++ < 3) appeared.push(`"${bytesToText(path)}"`)
  }
  await removeUnwanted({ ...clearingOf(forward), onPath: () => {} }, { removed, refused: fault })
  if (count === 0) return
  const names = count === 1 ? '1 name' : `${count} names`
  forward.ending.warn(
    `${names} appeared in the volume during the copy and went with the old content, such as ${appeared.join(', ')}`,
  )
}
