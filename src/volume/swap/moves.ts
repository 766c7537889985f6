import { mkdirSync, unlinkSync } from 'node:fs'
import { bytesToText } from '../../lib/byte-paths.ts'
import { errnoOf } from '../../lib/errors.ts'
import { tolerateSync } from '../../lib/tolerate.ts'
import { breather, type Folder, openFolder, statEntry, streamNames } from './folder.ts'
import { type Child, type JournalHeader, readChildren } from './journal.ts'
import { moveWithoutReplacing } from './move.ts'
import { isStagingName } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'

/** Attempts at one name before giving up, because a process may keep creating it. */
const MAX_ATTEMPTS = 100

export interface SwapContext {
  folders: SwapFolders
  header: JournalHeader
  /** Called with the name (text form) of an entry in the volume that belongs to neither side. */
  appeared(name: string): void
  /** Called after each rename. */
  moved(): void
}

export interface Move {
  side: Child['side']
  from: Folder
  to: Folder
}

/**
 * Moves the journal's children of one side that were not moved yet. They are recognized by inode: another file of the
 * same name stays. Entries that block the target name are set aside. May be called again after any crash.
 */
export async function moveListed(swap: SwapContext, { side, from, to }: Move): Promise<void> {
  const breathe = breather()
  for await (const child of readChildren(swap.folders.staging, side)) {
    await breathe()
    if (!isUnmoved(child, from, swap)) continue
    for (let attempt = 1; !move(from, to, child.name); attempt++) {
      if (attempt === MAX_ATTEMPTS)
        throw new Error(`a process creates "${bytesToText(child.name)}" in the volume again and again`)
      await clearWay(swap, { child, from, to })
    }
    swap.moved()
  }
}

/** Device numbers may change at a boot, so only compares whether the child is on the same device as its volume. */
function isUnmoved(child: Child, folder: Folder, { header, folders }: SwapContext): boolean {
  const stats = statEntry(folder, child.name)
  if (stats?.ino !== child.inode) return false
  return (stats.dev === folders.volume.identity.device) === (String(child.device) === header.device)
}

/** False if the name is in use. */
function move(from: Folder, to: Folder, name: Buffer): boolean {
  try {
    moveWithoutReplacing({ folder: from, name }, { folder: to, name })
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    // If the entry is gone, a process deleted it meanwhile. If it still exists, the folder `to` was removed: an
    // error.
    if (errnoOf(error) === 'ENOENT' && !statEntry(from, name)) return true
    throw error
  }
}

interface Blocked {
  child: Child
  from: Folder
  to: Folder
}

async function clearWay(swap: SwapContext, { child, from, to }: Blocked): Promise<void> {
  const { volume } = swap.folders
  const there = statEntry(to, child.name)
  if (there?.ino === child.inode && !there.isDirectory()) unlinkSync(from.at(child.name))
  else await setAside(swap, to === volume ? to : from, child.name)
}

/** Moves an entry that is in neither list into a numbered folder, because the same name may appear more than once. */
export async function setAside(swap: SwapContext, from: Folder, name: Buffer): Promise<void> {
  for (let round = 0; ; round++) {
    await using late = await openRound(swap.folders.late, round)
    if (!move(from, late, name)) continue
    swap.appeared(bytesToText(name))
    return
  }
}

async function openRound(late: Folder, round: number): Promise<Folder> {
  tolerateSync(['EEXIST'], () => mkdirSync(late.at(String(round)), 0o700))
  return openFolder(late.at(String(round)))
}

/** Sets aside every entry of the volume whose inode is not known. */
export async function setAsideUnknown(swap: SwapContext, isKnown: (inode: bigint) => boolean): Promise<void> {
  const { volume } = swap.folders
  const breathe = breather()
  for await (const name of streamNames(volume)) {
    await breathe()
    if (isStagingName(name)) continue
    const stats = statEntry(volume, name)
    if (stats && !isKnown(stats.ino)) await setAside(swap, volume, name)
  }
}

/** Moves everything in `from` back to the volume. Returns the names that had to stay because they are in use there. */
export async function moveBack(swap: SwapContext, from: Folder): Promise<string[]> {
  const stayed: string[] = []
  for await (const name of streamNames(from)) {
    if (!move(from, swap.folders.volume, name)) stayed.push(bytesToText(name))
  }
  return stayed
}
