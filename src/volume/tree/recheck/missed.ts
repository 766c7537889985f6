import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { SLASH } from '../../../lib/byte-paths.ts'
import { isSystemError } from '../../../lib/errors.ts'
import { NS_PER_MS } from '../../../lib/time-units.ts'
import { MAX_CONCURRENT, type WalkOptions, type WalkPart } from '../inspector.ts'
import { joinPath } from '../join-path.ts'
import { openNames } from '../name-stream.ts'
import { NameTable } from '../name-table.ts'
import { type Pin, pinChild, unpin } from '../pin.ts'
import { readEntryType } from '../stat-entry.ts'
import type { OpenVolume } from '../volume.ts'
import { isGone, pinFolder, unpinFolder } from './pin-below.ts'
import type { RecheckSteps } from './recheck-steps.ts'
import type { LoggedFolder, WalkLog } from './walk-log.ts'

/** A directory may have changed again within one tick of its clock, which is 2 s on the coarsest file systems. */
const COARSE_TICK_NS = 2_000_000_000n

/** Names that are new in directories which changed after they were listed. */
export class Missed implements WalkPart {
  /** The new names of each of these directories. Keys are paths as latin1 text. */
  readonly folders = new Map<string, NameTable>()
  /** These directories and all their parents; '' for the volume. */
  readonly #ancestors = new Set<string>()

  add(folder: Buffer, names: NameTable): void {
    this.folders.set(folder.toString('latin1'), names)
    for (const ancestor of listAncestors(folder)) this.#ancestors.add(ancestor)
  }

  leadsTo(folder: Buffer): boolean {
    return this.#ancestors.has(folder.toString('latin1'))
  }

  has(folder: Buffer, name: Buffer): boolean {
    if (!this.leadsTo(folder)) return true
    const isNew = this.folders.get(folder.toString('latin1'))?.has(name) ?? false
    return isNew || this.leadsTo(joinPath(folder, name))
  }
}

export type FindMissedOptions = Pick<WalkOptions, 'whyLeftOut'> & { steps: RecheckSteps }

/** Checks each directory of a walk again and lists those that changed. The log then expects them to be walked again. */
export async function findMissed(
  volume: OpenVolume,
  log: WalkLog,
  options: FindMissedOptions,
): Promise<Missed> {
  const missed = new Missed()
  const count = log.folderCount
  for (let index = 0; index < count; index++) {
    const folder = log.folderAt(index)
    if (!folder) continue
    await options.steps.next(folder.path)
    const list = () => namesIfChanged({ volume, log, options }, folder)
    const names = await options.steps.attempt(folder.path, list)
    if (!names || names.count === 0) continue
    missed.add(folder.path, names)
    log.listAgain(index)
  }
  return missed
}

interface Recheck {
  volume: OpenVolume
  log: WalkLog
  options: FindMissedOptions
}

/** Throws if the directory is gone. If it was moved, it is a new name in another directory. */
async function namesIfChanged(recheck: Recheck, folder: LoggedFolder): Promise<NameTable | undefined> {
  const pin = await pinFolder(recheck.volume, folder.path)
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

/** True if its stamp differs, or if a change could be in the same tick as the last one and thus invisible. */
function mayHaveChanged(folder: LoggedFolder, { ino, mtimeNs, ctimeNs }: BigIntStats): boolean {
  const visibleBeforeNs = BigInt(Math.floor(folder.listedMs)) * NS_PER_MS - COARSE_TICK_NS
  return (
    ino !== folder.inode ||
    mtimeNs !== folder.mtimeNs ||
    ctimeNs !== folder.ctimeNs ||
    folder.ctimeNs > visibleBeforeNs
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
      let some = await listed.next(MAX_CONCURRENT);
      some.length > 0;
      some = await listed.next(MAX_CONCURRENT)
    ) {
      await options.steps.next(joinPath(folder.path, some[0]?.name ?? Buffer.alloc(0)))
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

/** Whether it still exists and is not a socket. True if it cannot be read, so that the next walk warns about it. */
async function canBeKept({ kernel }: OpenVolume, folder: Pin, name: Buffer): Promise<boolean> {
  try {
    const pin = await pinChild(folder, name, kernel)
    unpin(pin)
    return readEntryType(pin.stat) !== undefined
  } catch (error) {
    if (!isSystemError(error)) throw error
    return !isGone(error)
  }
}

/** The paths from the volume down to a directory, both included. */
function* listAncestors(path: Buffer): Generator<string> {
  yield ''
  for (let at = path.indexOf(SLASH); at >= 0; at = path.indexOf(SLASH, at + 1))
    yield path.toString('latin1', 0, at)
  yield path.toString('latin1')
}
