import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { errnoOf } from '../../../lib/errors.ts'
import { joinPath } from '../join-path.ts'
import { SIDE_BY_SIDE, type WalkOptions, type WalkPart } from '../looker.ts'
import { openNames } from '../name-stream.ts'
import { NameTable } from '../name-table.ts'
import { type Pin, pinChild, unpin } from '../pin.ts'
import { typeOf } from '../stat-entry.ts'
import type { OpenVolume } from '../volume.ts'
import { pinFolder, unpinFolder } from './pin-below.ts'
import type { LoggedFolder, WalkLog } from './walk-log.ts'

/** A directory may have changed again within one tick of its clock, which is 2 s on the coarsest file systems. */
const COARSE_TICK_NS = 2_000_000_000n
const NS_PER_MS = 1_000_000n
const SLASH = 0x2f

/** What was not seen in the directories that changed after they were listed. */
export class Missed implements WalkPart {
  /** For each of these directories the names that are new in it. Keys are paths, as latin1 text of their bytes. */
  readonly folders = new Map<string, NameTable>()
  /** Directories that lead to these, and they themselves; the volume as ''. */
  readonly #ways = new Set<string>()

  add(folder: Buffer, names: NameTable): void {
    this.folders.set(folder.toString('latin1'), names)
    for (const way of waysTo(folder)) this.#ways.add(way)
  }

  leadsTo(folder: Buffer): boolean {
    return this.#ways.has(folder.toString('latin1'))
  }

  has(folder: Buffer, name: Buffer): boolean {
    if (!this.leadsTo(folder)) return true
    const isNew = this.folders.get(folder.toString('latin1'))?.has(name) ?? false
    return isNew || this.leadsTo(joinPath(folder, name))
  }
}

export type RecheckOptions = Pick<WalkOptions, 'signal' | 'whyLeftOut'>

/** Looks at each directory of a walk again, and lists those that changed. The log expects them to be walked again. */
export async function findMissed(volume: OpenVolume, log: WalkLog, options: RecheckOptions): Promise<Missed> {
  const missed = new Missed()
  const count = log.folderCount
  for (let index = 0; index < count; index++) {
    options.signal.throwIfAborted()
    const folder = log.folderAt(index)
    if (!folder) continue
    const names = await namesIfChanged({ volume, log, options }, folder)
    if (!names || names.count === 0) continue
    missed.add(folder.path, names)
    log.listAgain(index)
  }
  return missed
}

interface Recheck {
  volume: OpenVolume
  log: WalkLog
  options: RecheckOptions
}

/** A directory that is gone was moved or removed: its new place is new in another one. */
async function namesIfChanged(recheck: Recheck, folder: LoggedFolder): Promise<NameTable | undefined> {
  const pin = await pinFolder(recheck.volume, folder.path)
  if (!pin) return undefined
  try {
    const now = folder.path.length === 0 ? await freshStat(pin) : pin.stat
    if (now.dev !== folder.device || !mayHaveChanged(folder, now)) return undefined
    return await newNames(recheck, folder, pin)
  } finally {
    unpinFolder(recheck.volume, pin)
  }
}

function freshStat(pin: Pin): Promise<BigIntStats> {
  return stat(pin.place, { bigint: true })
}

/** By its stamp, or because a change in the same tick as the last one would not show in it. */
function mayHaveChanged(folder: LoggedFolder, { ino, mtimeNs, ctimeNs }: BigIntStats): boolean {
  const surelyStampedNs = BigInt(Math.floor(folder.listedMs)) * NS_PER_MS - COARSE_TICK_NS
  return (
    ino !== folder.inode ||
    mtimeNs !== folder.mtimeNs ||
    ctimeNs !== folder.ctimeNs ||
    folder.ctimeNs > surelyStampedNs
  )
}

async function newNames(recheck: Recheck, folder: LoggedFolder, pin: Pin): Promise<NameTable> {
  const { log, options } = recheck
  const known = new NameTable()
  for (const names of log.names(folder)) for (const { name } of names) known.add({ name, isDirectory: false })
  known.sort()
  const found = new NameTable()
  const listed = await openNames(pin.place, pin.cached)
  try {
    for (
      let some = await listed.next(SIDE_BY_SIDE);
      some.length > 0;
      some = await listed.next(SIDE_BY_SIDE)
    ) {
      options.signal.throwIfAborted()
      const names = some.filter(
        ({ name }) => !known.has(name) && options.whyLeftOut?.(folder.path, name) === undefined,
      )
      const exist = await Promise.all(names.map(({ name }) => canBeKept(recheck.volume, pin, name)))
      for (const [at, one] of names.entries()) if (exist[at]) found.add(one)
    }
  } finally {
    await listed.close()
  }
  found.sort()
  return found
}

/** It is still there, and no socket. */
async function canBeKept({ kernel }: OpenVolume, folder: Pin, name: Buffer): Promise<boolean> {
  try {
    const pin = await pinChild(folder, name, kernel)
    unpin(pin)
    return typeOf(pin.stat) !== undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

/** The paths from the volume down to a directory, both included. */
function* waysTo(path: Buffer): Generator<string> {
  yield ''
  for (let at = path.indexOf(SLASH); at >= 0; at = path.indexOf(SLASH, at + 1))
    yield path.toString('latin1', 0, at)
  yield path.toString('latin1')
}
