import { lstat } from 'node:fs/promises'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { cleanUp } from './clean-up.ts'
import { isEmpty } from './folder.ts'
import { readJournal } from './journal.ts'
import { type Pointer, pointerFile, readPointers } from './pointer.ts'
import { type Ending, goBack, goForward } from './roll.ts'
import { openSwapFolders } from './swap-folders.ts'
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
}

export interface LockedVolume {
  /** `/` = every volume: not even which one it was can be read. */
  volume: string
  journal: string
  reason: string
}

/**
 * Ends every recover that a crash left, before any job: what had not reached its mark goes back, what had goes
 * forward, what had not begun is swept. Never throws for one of them: it is in `locked` with the reason.
 */
export async function settleJournals(dataDir: string): Promise<SettledJournals> {
  const { pointers, broken } = await readPointers(dataDir)
  const result: SettledJournals = { settled: [], locked: [], warnings: [] }
  // Whichever volume it was, it may be half swapped.
  for (const { file, reason } of broken) result.locked.push({ volume: '/', journal: file, reason })
  for (const pointer of pointers) await settleInto(result, { dataDir, pointer }, settleClaimed)
  return result
}

/** The same for one volume that is claimed already: whoever left something there is gone. */
export async function settleVolume({ dataDir, volume }: VolumeClaim): Promise<SettledJournals> {
  const { pointers, broken } = await readPointers(dataDir)
  const result: SettledJournals = { settled: [], locked: [], warnings: [] }
  for (const { file, reason } of broken) result.locked.push({ volume, journal: file, reason })
  for (const pointer of pointers) {
    if (pointer.volume === volume) await settleInto(result, { dataDir, pointer }, settleOne)
  }
  return result
}

type Settle = (ending: Ending) => Promise<SettledJournal['outcome']>

async function settleInto(
  result: SettledJournals,
  { dataDir, pointer }: Pick<Ending, 'dataDir' | 'pointer'>,
  settle: Settle,
): Promise<void> {
  const { volume, rid, staging } = pointer
  const warn = (message: string) => void result.warnings.push(message)
  try {
    result.settled.push({ volume, rid, outcome: await settle({ dataDir, pointer, warn }) })
  } catch (error) {
    result.locked.push({ volume, journal: staging, reason: await explain(dataDir, pointer, error) })
  }
}

async function settleClaimed(ending: Ending): Promise<SettledJournal['outcome']> {
  await using _claim = await claimVolume(ending.dataDir, ending.pointer.volume)
  return await settleOne(ending)
}

async function settleOne(ending: Ending): Promise<SettledJournal['outcome']> {
  if (ending.pointer.phase === 'swap') return settleSwap(ending)
  await cleanUp(ending.dataDir, ending.pointer)
  return 'swept'
}

async function settleSwap(ending: Ending): Promise<SettledJournal['outcome']> {
  await using folders = await openSwapFolders(ending.pointer)
  const { header, sealed, committed } = await readJournal(folders.staging)
  if (!sealed && !(await isEmpty(folders.old))) throw new Error('its journal is damaged')
  const moving = {
    folders,
    header,
    appeared: (name: string) =>
      ending.warn(`${name}: appeared in the volume "${header.volume}" during the swap`),
    moved: () => {},
  }
  await (committed ? goForward : goBack)(ending, moving)
  return committed ? 'went forward' : 'went back'
}

async function explain(dataDir: string, pointer: Pointer, error: unknown): Promise<string> {
  if (errnoOf(error) !== 'ENOENT') return messageOf(error)
  const there = await lstat(pointer.volume).catch(() => undefined)
  const missing = there ? pointer.staging : pointer.volume
  return `"${missing}" is not there: see its mount, or remove "${pointerFile(dataDir, pointer.rid)}" if the volume is gone for good`
}
