import { lstat } from 'node:fs/promises'
import { bytesToText } from '../../lib/byte-paths.ts'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { type HeldVolume, holdRealPath } from '../held-volume.ts'
import type { TreeWarning } from '../tree/entry.ts'
import { checkUsers } from './check-users.ts'
import { cleanUp } from './clean-up.ts'
import { copyForward } from './copy-in-place.ts'
import { isEmpty, openFolder } from './folder.ts'
import { type Journal, readJournal } from './journal.ts'
import { dropPointer, type Pointer, pointerFile, readPointers } from './pointer.ts'
import { type Ending, goBack, goForward } from './roll.ts'
import { checkSameVolume } from './seen-volume.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { claimVolume, type VolumeClaim } from './volume-claim.ts'

export interface SettledJournals {
  settled: SettledJournal[]
  /** These volumes must not be touched until it worked. */
  locked: LockedVolume[]
  warnings: string[]
}

export interface SettledJournal {
  volume: string
  rid: string
  /** `swept`: the volume had not been touched, or was in order already. */
  outcome: 'went back' | 'went forward' | 'swept'
  /** How much of what went forward is not exactly as the backup has it; absent if all is. */
  faults?: number
}

export interface SettleOptions {
  /** Told what is being copied: that may take as long as a recover. */
  onPath?(path: Buffer): void
  /** Whether interrupted copies in place are finished: `if-unused` by default. */
  copies?: CopyPolicy
}

/**
 * A copy in place removes what is in the volume by now, also what processes have written since it was interrupted.
 * `if-unused`: finished unless processes use the volume. `proceed`: finished even so, since an operator asked for it.
 */
export type CopyPolicy = 'refuse' | 'if-unused' | 'proceed'

export interface LockedVolume {
  /** `/` = every volume: not even which one it was can be read. */
  volume: string
  journal: string
  reason: string
}

/**
 * Ends every recover that a crash left, before any job: what had not reached its mark goes back, what had goes
 * forward, what had not begun is swept. Never throws for one of them: it is in `locked` with the reason.
 * `leave`: rids of recovers that are left as they are.
 */
export async function settleJournals(
  dataDir: string,
  { leave = [], ...options }: SettleOptions & { leave?: readonly string[] } = {},
): Promise<SettledJournals> {
  const { pointers, broken } = await readPointers(dataDir)
  const result: SettledJournals = { settled: [], locked: [], warnings: [] }
  // Whichever volume it was, it may be half swapped.
  for (const { file, reason } of broken) result.locked.push({ volume: '/', journal: file, reason })
  for (const pointer of pointers) {
    if (!leave.includes(pointer.rid)) await settleInto(result, { dataDir, pointer, options }, settleClaimed)
  }
  return result
}

/** The same for one volume that is claimed already: whoever left something there is gone. */
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

/** A recover that is to be ended; its volume is not open yet. */
type Unsettled = Omit<Ending, 'volume'> & { options: SettleOptions }
type Settled = Pick<SettledJournal, 'outcome' | 'faults'>
type Settle = (ending: Unsettled) => Promise<Settled>

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

async function settleClaimed(ending: Unsettled): Promise<Settled> {
  await using _claim = await claimVolume(ending.dataDir, ending.pointer.volume)
  return await settleOne(ending)
}

/** The path was real when it was written down. Whoever made a link of a part of it since leads nobody through it. */
async function settleOne(ending: Unsettled): Promise<Settled> {
  const { dataDir, pointer } = ending
  using volume = hold(pointer)
  if (pointer.phase === 'swap') return await settleSwap({ ...ending, volume: volume ?? noVolume(pointer) })
  if (pointer.phase === 'copy') return await settleCopy({ ...ending, volume: volume ?? noVolume(pointer) })
  if (!volume) await dropPointer(dataDir, pointer.rid)
  else await sweep(dataDir, pointer, volume)
  return { outcome: 'swept' }
}

/** Undefined if not even the directory above is there: then there is no staging either. */
function hold({ volume }: Pointer): HeldVolume | undefined {
  try {
    return holdRealPath(volume)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function noVolume({ volume }: Pointer): never {
  throw Object.assign(new Error(`"${volume}" does not exist`), { code: 'ENOENT' })
}

/** What lies inside another directory of that path is not ours to remove. */
async function sweep(dataDir: string, pointer: Pointer, volume: HeldVolume): Promise<void> {
  if (volume.exists && isInside(pointer.staging, pointer.volume)) {
    await using folder = await openFolder(volume.place)
    checkSameVolume(pointer, folder)
  }
  await cleanUp(dataDir, pointer, volume)
}

async function settleSwap(ending: Ending): Promise<Settled> {
  if (!ending.volume.exists) noVolume(ending.pointer)
  await using folders = await openSwapFolders(ending.pointer, ending.volume)
  const { header, sealed, committed } = await readOwnJournal(ending.pointer, folders)
  if (!sealed && !(await isEmpty(folders.old))) throw new Error('its journal is damaged')
  const moving = {
    folders,
    header,
    appeared: (name: string) =>
      ending.warn(`${name}: appeared in the volume "${header.volume}" during the swap`),
    moved: () => {},
  }
  await (committed ? goForward : goBack)(ending, moving)
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

/** A copy in place goes forward only: it begins once more from the staging, which is whole. */
async function settleCopy(ending: Ending & Unsettled): Promise<Settled> {
  if (!ending.volume.exists) noVolume(ending.pointer)
  await using folders = await openSwapFolders(ending.pointer, ending.volume)
  const { header, sealed } = await readOwnJournal(ending.pointer, folders)
  if (!sealed) throw new Error('its journal is damaged')
  await refuseCopy(ending)
  const onWarning = ({ path, message }: TreeWarning) => ending.warn(`${bytesToText(path) || '.'}: ${message}`)
  const { signal } = new AbortController()
  const onProgress = ({ path }: { path: Buffer }) => ending.options.onPath?.(path)
  const forward = { ending, folders, header, signal, onWarning, onProgress }
  const { faults } = await copyForward(forward).catch((cause: unknown) => {
    throw new Error(`its content could not be copied: ${messageOf(cause)}`, { cause })
  })
  return wentForward(faults + (header.unpackFaults ?? 0))
}

/** Throws why the copy must not be finished now. */
async function refuseCopy({
  options: { copies = 'if-unused' },
  volume,
  warn,
}: Ending & Unsettled): Promise<void> {
  if (copies === 'refuse')
    throw new Error(
      'its copy in place was interrupted, so the volume holds neither the old nor the new content. Stop what uses the volume, then recover it or restart the daemon: both finish the copy',
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
    return `"${pointer.volume}" leads through a symbolic link or a file now: put the directory back where it was`
  if (code !== 'ENOENT') return messageOf(error)
  const there = await lstat(pointer.volume).catch(() => undefined)
  const missing = there ? pointer.staging : pointer.volume
  return `"${missing}" is not there: see its mount, or remove "${pointerFile(dataDir, pointer.rid)}" if the volume is gone for good`
}
