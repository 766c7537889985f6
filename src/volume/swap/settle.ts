import { lstat } from 'node:fs/promises'
import { bytesToText } from '../../lib/byte-paths.ts'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { tolerateSync } from '../../lib/tolerate.ts'
import { type HeldVolume, holdRealPath } from '../held-volume.ts'
import type { TreeWarning } from '../tree/entry.ts'
import { checkUsers } from './check-users.ts'
import { cleanUp } from './clean-up.ts'
import { copyForward } from './copy-in-place.ts'
import { isEmpty, openFolder } from './folder.ts'
import { type Journal, readJournal } from './journal.ts'
import { deletePointer, type Pointer, pointerFile, readPointers } from './pointer.ts'
import { rollBack, rollForward, type UnfinishedSwap } from './roll.ts'
import { checkSameVolume } from './seen-volume.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { claimVolume, type VolumeClaim } from './volume-claim.ts'

export interface SettledJournals {
  settled: SettledJournal[]
  /** Volumes that could not be settled; no job may touch them until they are. */
  locked: LockedVolume[]
  warnings: string[]
}

export interface SettledJournal {
  volume: string
  rid: string
  /** `swept`: the volume was unchanged or already complete, and only leftovers were removed. */
  outcome: 'went back' | 'went forward' | 'swept'
  /** How many entries of a finished recover differ from the backup; missing if none. */
  faults?: number
}

export interface SettleOptions {
  /** Called with each path that is copied; copying may take as long as a recover. */
  onPath?(path: Buffer): void
  /** Whether interrupted copies in place are finished: `if-unused` by default. */
  copies?: CopyPolicy
}

/**
 * Finishing a copy in place deletes the volume's content, also files written since it was interrupted. `if-unused`:
 * finish it unless processes use the volume. `proceed`: finish it anyway, because an operator asked for it.
 */
export type CopyPolicy = 'refuse' | 'if-unused' | 'proceed'

export interface LockedVolume {
  /** `/` = every volume, because the pointer that names the volume is unreadable. */
  volume: string
  journal: string
  reason: string
}

/**
 * Ends every recover that a crash interrupted, before any job starts: rolls back swaps that were not committed, rolls
 * forward those that were, removes leftovers of the rest. A failure does not throw: `locked` has it with the reason.
 * `leave`: rids of recovers that are left as they are.
 */
export async function settleJournals(
  dataDir: string,
  { leave = [], ...options }: SettleOptions & { leave?: readonly string[] } = {},
): Promise<SettledJournals> {
  const { pointers, broken } = await readPointers(dataDir)
  const result: SettledJournals = { settled: [], locked: [], warnings: [] }
  // Its volume is unknown and may be half swapped.
  for (const { file, reason } of broken) result.locked.push({ volume: '/', journal: file, reason })
  for (const pointer of pointers) {
    if (!leave.includes(pointer.rid)) await settleInto(result, { dataDir, pointer, options }, settleClaimed)
  }
  return result
}

/** Does the same for one volume that is already claimed, so its interrupted recovers have no process any more. */
export async function settleVolume(
  { dataDir, volume }: VolumeClaim,
  options: SettleOptions = {},
): Promise<SettledJournals> {
  const { pointers, broken } = await readPointers(dataDir)
  const result: SettledJournals = { settled: [], locked: [], warnings: [] }
  for (const { file, reason } of broken) result.locked.push({ volume, journal: file, reason })
  for (const pointer of pointers) {
    if (pointer.volume === volume) await settleInto(result, { dataDir, pointer, options }, settleOne)
  }
  return result
}

/** A recover that must be ended; its volume is not open yet. */
type Unsettled = Omit<UnfinishedSwap, 'volume'> & { options: SettleOptions }
type Settled = Pick<SettledJournal, 'outcome' | 'faults'>
type Settle = (unfinished: Unsettled) => Promise<Settled>

async function settleInto(
  result: SettledJournals,
  { dataDir, pointer, options }: Omit<Unsettled, 'warn'>,
  settle: Settle,
): Promise<void> {
  const { volume, rid, staging } = pointer
  const warn = (message: string) => void result.warnings.push(message)
  try {
    result.settled.push({ volume, rid, ...(await settle({ dataDir, pointer, options, warn })) })
  } catch (error) {
    result.locked.push({ volume, journal: staging, reason: await explain(dataDir, pointer, error) })
  }
}

async function settleClaimed(unfinished: Unsettled): Promise<Settled> {
  await using _claim = await claimVolume(unfinished.dataDir, unfinished.pointer.volume)
  return await settleOne(unfinished)
}

/** The path in the pointer was a real path; opening it fails if a part of it has become a symbolic link since. */
async function settleOne(unfinished: Unsettled): Promise<Settled> {
  const { dataDir, pointer } = unfinished
  using volume = tryHold(pointer)
  if (pointer.phase === 'swap')
    return await settleSwap({ ...unfinished, volume: volume ?? volumeMissing(pointer) })
  if (pointer.phase === 'copy')
    return await settleCopy({ ...unfinished, volume: volume ?? volumeMissing(pointer) })
  if (!volume) await deletePointer(dataDir, pointer.rid)
  else await removeLeftovers(dataDir, pointer, volume)
  return { outcome: 'swept' }
}

/** Undefined if the parent directory does not exist either: then there is no staging folder. */
function tryHold({ volume }: Pointer): HeldVolume | undefined {
  return tolerateSync(['ENOENT'], () => holdRealPath(volume))
}

function volumeMissing({ volume }: Pointer): never {
  throw Object.assign(new Error(`"${volume}" does not exist`), { code: 'ENOENT' })
}

/** If another directory has the volume's path now, nothing inside it is removed. */
async function removeLeftovers(dataDir: string, pointer: Pointer, volume: HeldVolume): Promise<void> {
  if (volume.exists && isInside(pointer.staging, pointer.volume)) {
    await using folder = await openFolder(volume.place)
    checkSameVolume(pointer, folder)
  }
  await cleanUp(dataDir, pointer, volume)
}

async function settleSwap(unfinished: UnfinishedSwap): Promise<Settled> {
  if (!unfinished.volume.exists) volumeMissing(unfinished.pointer)
  await using folders = await openSwapFolders(unfinished.pointer, unfinished.volume)
  const { header, sealed, committed } = await readOwnJournal(unfinished.pointer, folders)
  if (!sealed && !(await isEmpty(folders.old))) throw new Error('its journal is damaged')
  const swap = {
    folders,
    header,
    appeared: (name: string) =>
      unfinished.warn(`${name}: appeared in the volume "${header.volume}" during the swap`),
    moved: () => {},
  }
  await (committed ? rollForward : rollBack)(unfinished, swap)
  return committed ? wentForward(header.unpackFaults) : { outcome: 'went back' }
}

async function readOwnJournal({ nonce }: Pointer, { staging }: SwapFolders): Promise<Journal> {
  const journal = await readJournal(staging)
  if (journal.header.nonce !== nonce) throw new Error('its journal is not the one of this recover')
  return journal
}

function wentForward(faults = 0): Settled {
  return { outcome: 'went forward', ...(faults > 0 && { faults }) }
}

/** A copy in place is only finished, never undone: it starts again from the staging folder, which is complete. */
async function settleCopy(unfinished: UnfinishedSwap & Unsettled): Promise<Settled> {
  if (!unfinished.volume.exists) volumeMissing(unfinished.pointer)
  await using folders = await openSwapFolders(unfinished.pointer, unfinished.volume)
  const { header, sealed } = await readOwnJournal(unfinished.pointer, folders)
  if (!sealed) throw new Error('its journal is damaged')
  await refuseCopy(unfinished)
  const onWarning = ({ path, message }: TreeWarning) =>
    unfinished.warn(`${bytesToText(path) || '.'}: ${message}`)
  const { signal } = new AbortController()
  const onProgress = ({ path }: { path: Buffer }) => unfinished.options.onPath?.(path)
  const forward = { unfinished, folders, header, signal, onWarning, onProgress }
  const { faults } = await copyForward(forward).catch((cause: unknown) => {
    throw new Error(`its content could not be copied: ${messageOf(cause)}`, { cause })
  })
  return wentForward(faults + (header.unpackFaults ?? 0))
}

/** Throws an error with the reason if the copy must not be finished now. */
async function refuseCopy({
  options: { copies = 'if-unused' },
  volume,
  warn,
}: UnfinishedSwap & Unsettled): Promise<void> {
  if (copies === 'refuse')
    throw new Error(
      'its copy in place was interrupted, so the volume has neither the old nor the new content. Stop what uses the volume, then recover it or restart the daemon: both finish the copy',
    )
  const inUse = copies === 'proceed' ? 'proceed' : 'refuse'
  await checkUsers(volume.currentPath(), { inUse, warn }).catch((cause: unknown) => {
    throw new Error(`its copy in place was interrupted and cannot be finished yet: ${messageOf(cause)}`, {
      cause,
    })
  })
}

async function explain(dataDir: string, pointer: Pointer, error: unknown): Promise<string> {
  const code = errnoOf(error) ?? ''
  if (code === 'ELOOP' || code === 'ENOTDIR')
    return `"${pointer.volume}" leads through a symbolic link or a file now: move the directory back to its path`
  if (code !== 'ENOENT') return messageOf(error)
  const there = await lstat(pointer.volume).catch(() => undefined)
  const missing = there ? pointer.staging : pointer.volume
  return `"${missing}" does not exist: check its mount, or remove "${pointerFile(dataDir, pointer.rid)}" if the volume is gone for good`
}
