import { basename } from 'node:path'
import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, errnoOf, messageOf } from '../../lib/errors.ts'
import { copyMirror } from '../copy/copy-mirror.ts'
import type { TreeEntry, TreeWarning } from '../tree/entry.ts'
import { checkStaging, createHeader, refuseMounts } from './begin-swap.ts'
import { checkCopy } from './check-copy.ts'
import { cleanUp } from './clean-up.ts'
import { type Clearing, clearVolume, removeUnwanted } from './clear-volume.ts'
import { statEntry } from './folder.ts'
import { type JournalHeader, writeJournal } from './journal.ts'
import { type Pointer, savePointer } from './pointer.ts'
import { protectListed } from './protected-list.ts'
import { markDone, type UnfinishedSwap } from './roll.ts'
import { applyRoot, describeLostProtection } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'
import { unprotectOpen } from './unprotect.ts'

export interface CopyInput {
  staging: Staging
  /** The volume's own metadata in the backup; null = it keeps its metadata. */
  root: TreeEntry | null
  /** How many entries could not be unpacked exactly; reported again if the copy is finished after a crash. */
  unpackFaults?: number
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  checkpoint?(at: CopyCheckpoint): void
}

/** The points that a copy passes, in this order. */
export type CopyCheckpoint = 'begun' | 'cleared' | 'copied' | 'in place'

/**
 * Replaces the content of a volume without renames, for file systems that refuse them: once everything unpacked is on
 * disk, deletes the old content and copies the new. This cannot be undone. The staging folder stays complete to the
 * end, so that the copy can start again after a crash, or when there is room again.
 * @returns how many entries could not be restored exactly; each caused a warning
 * @throws SYSTEM_REFUSED, NO_ROOM or CONFLICT before the first change; VOLUME_LOCKED if the copy stopped half way
 */
export async function copyInPlace(input: CopyInput): Promise<{ faults: number }> {
  const { staging } = input
  await using folders = await openSwapFolders(staging.pointer, staging.volume)
  await refuseMounts(staging.volume.currentPath())
  checkStaging(staging, folders)
  const { pointer, header } = await beginCopy(input, folders)
  const unfinished = createUnfinishedSwap(input, pointer)
  const lost = describeLostProtection(pointer.volume, input.root ? input.root.flags : header.before.flags)
  if (lost) unfinished.warn(lost)
  try {
    return await copyForward({ ...input, unfinished, folders, header })
  } catch (error) {
    throw stoppedHalfWay(staging, error)
  }
}

/** Syncs everything that was unpacked, then writes the journal and the pointer to it. Nothing is removed yet. */
async function beginCopy(
  input: CopyInput,
  folders: SwapFolders,
): Promise<{ pointer: Pointer; header: JournalHeader }> {
  const { staging, signal, onProgress } = input
  const header = createHeader(staging, folders, input)
  const pointer: Pointer = { ...staging.pointer, phase: 'copy' }
  try {
    const onPath = (path: Buffer) => onProgress({ bytes: 0, files: 0, path })
    header.entries = await checkCopy(folders, { staging: basename(pointer.staging), signal, onPath })
    await syncFilesystem(folders.staging)
    // Checked again, because the checks above may have taken long.
    await refuseMounts(staging.volume.currentPath())
    await writeJournal(folders.staging, header, noChildren())
    signal.throwIfAborted()
    await savePointer(staging.dataDir, pointer)
  } catch (error) {
    await applyRoot(folders.volume, header.before, () => {})
    throw error
  }
  return { pointer, header }
}

async function* noChildren() {}

function createUnfinishedSwap({ staging, onWarning }: CopyInput, pointer: Pointer): UnfinishedSwap {
  const warn = (message: string) => onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  return { dataDir: staging.dataDir, volume: staging.volume, pointer, warn }
}

function stoppedHalfWay({ pointer: { volume, staging } }: Staging, cause: unknown): BackupdError {
  const what = `the copy into "${volume}" stopped half way (${messageOf(cause)}): its content is neither the old nor the new`
  const advice = `Remove the cause; the next recover of the volume, or a restart of the daemon, copies it again from "${staging}"`
  return new BackupdError('VOLUME_LOCKED', `${what}. ${advice}`, { facts: { journal: staging }, cause })
}

export interface Forward extends Pick<CopyInput, 'signal' | 'onWarning' | 'onProgress' | 'checkpoint'> {
  unfinished: UnfinishedSwap
  folders: SwapFolders
  header: JournalHeader
}

/** Copies to the end, whatever state an earlier attempt left. May be repeated after a crash. */
export async function copyForward(forward: Forward): Promise<{ faults: number }> {
  const { unfinished, folders, header, checkpoint, onWarning } = forward
  const { volume, staging } = folders
  checkpoint?.('begun')
  unprotectOpen(volume.fd)
  let faults = await replaceContent(forward)
  checkpoint?.('copied')
  const fault = (path: Buffer, message: string) => {
    faults++
    onWarning({ severity: 'fault', path, message })
  }
  await removeAppeared(forward, fault)
  await applyRoot(volume, header.after, (message) => fault(Buffer.alloc(0), message))
  await syncFilesystem(volume)
  const protecting = { staging, top: volume, warn: (message: string) => unfinished.warn(message) }
  if (await protectListed(protecting)) await syncFilesystem(volume)
  checkpoint?.('in place')
  const done = await markDone(unfinished, folders)
  await cleanUp(unfinished.dataDir, done, unfinished.volume).catch((error: unknown) =>
    unfinished.warn(
      `${done.staging}: could not be cleaned up (${messageOf(error)}); the next run on the volume tries again`,
    ),
  )
  return { faults }
}

/** Errors caused by a process that replaces directories in the volume meanwhile; the copy is then tried again. */
const DISTURBED = new Set(['ELOOP', 'ENOTDIR', 'ENOENT', 'ENOTEMPTY', 'EEXIST'])
const MAX_ATTEMPTS = 20

/** Returns the faults of the attempt that finished. */
async function replaceContent(forward: Forward): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await refuseMounts(forward.unfinished.volume.currentPath())
      await clearVolume(createClearing(forward))
      forward.checkpoint?.('cleared')
      return await copyAll(forward)
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !DISTURBED.has(errnoOf(error) ?? '')) throw error
    }
  }
}

function createClearing({ unfinished, folders, signal, onProgress }: Forward): Clearing {
  const onPath = (path: Buffer) => onProgress({ bytes: 0, files: 0, path })
  const { volume, fresh, staging } = folders
  const held = [staging.identity, fresh.identity]
  return { volume, wanted: fresh, own: findOwnName(unfinished), held, signal, onPath }
}

/** The name of the staging folder if it is inside the volume, else null. */
function findOwnName({ pointer: { staging, volume } }: UnfinishedSwap): string | null {
  return isInside(staging, volume) ? basename(staging) : null
}

type Fault = (path: Buffer, message: string) => void

/** Returns the faults of the copy itself. */
async function copyAll({ unfinished, folders, header, ...input }: Forward): Promise<number> {
  const own = findOwnName(unfinished)
  const fault: Fault = (path, message) => input.onWarning({ severity: 'fault', path, message })
  const isHidden = own !== null && statEntry(folders.fresh, own) !== undefined
  if (isHidden)
    fault(Buffer.from(own), 'has the name of the folder from which it is recovered: recover it again')
  const of = (path: Buffer) => (path.toString() === own ? 'none' : 'all')
  const { signal, onWarning, onProgress } = input
  const copy = { mirror: folders.fresh.self, target: folders.volume.self, chosen: { of } }
  const { entries, faults } = await copyMirror({ ...copy, signal, onWarning, onProgress })
  if (isHidden || faults > 0) return faults + (isHidden ? 1 : 0)
  const missing = Math.max((header.entries ?? 0) - entries, 0)
  if (missing > 0)
    fault(
      Buffer.alloc(0),
      `only ${entries} of ${header.entries} entries were copied: something removed the rest from "${unfinished.pointer.staging}". Recover it again`,
    )
  return missing
}

async function removeAppeared(forward: Forward, fault: Fault): Promise<void> {
  const appeared: string[] = []
  let count = 0
  const removed = (path: Buffer) => {
    if (count++ < 3) appeared.push(`"${bytesToText(path)}"`)
  }
  await removeUnwanted({ ...createClearing(forward), onPath: () => {} }, { removed, refused: fault })
  if (count === 0) return
  const names = count === 1 ? '1 name' : `${count} names`
  forward.unfinished.warn(
    `${names} appeared in the volume during the copy and were deleted with the old content, such as ${appeared.join(', ')}`,
  )
}
