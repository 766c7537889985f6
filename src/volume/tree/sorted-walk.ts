import { allKnown } from '../../lib/all-known.ts'
import { describeReason } from './describe-reason.ts'
import type { TreeEntry } from './entry.ts'
import { FastStat } from './fast-stat.ts'
import { type Inspected, inspect } from './inspect.ts'
import { createInspector, MAX_CONCURRENT, type WalkOptions } from './inspector.ts'
import { joinPath } from './join-path.ts'
import { withoutLeftOut } from './left-out.ts'
import { type ListedName, openNames } from './name-stream.ts'
import { NameTable } from './name-table.ts'
import { type Pin, unpin } from './pin.ts'
import { logSeen, makeStamp, type SeenNames } from './recheck/walk-log.ts'
import type { OpenVolume } from './volume.ts'

export interface SortedWalkOptions extends WalkOptions {
  /** Awaited before names are inspected, with the last of them, so that a comparison can read ahead up to it. */
  beforeNames?(last: Buffer): Promise<void>
  /** See Inspector. */
  isKnown(entry: TreeEntry): boolean
}

/** The entry behind a name. A known entry has no pin, unless it is a directory. */
export interface Seen extends Omit<Inspected, 'pin'> {
  pin: Pin | undefined
}

/** Reads a volume directory by directory, the names of each sorted by their bytes. */
export interface SortedWalk {
  /** Opens the volume itself. Undefined, with a warning, if it cannot be listed. */
  openRoot(): Promise<SortedFolder | undefined>
  /** Opens the last directory of a batch that is still held. Undefined, with a warning, if it cannot be listed. */
  open(directory: Seen): Promise<SortedFolder | undefined>
}

export interface SortedFolder {
  /**
   * The next entries; empty at the end. A directory that can be entered is always the last of its batch. Entries are
   * valid until next() or close() of this folder; the `data` of small files only until any next() of the walk. Throws
   * the signal's reason.
   */
  next(): Promise<readonly Seen[]>
  close(): void
}

/**
 * Like walkTree(), with the same warnings, but sorted: the names of one directory for each level of depth are in
 * memory.
 */
export function sortedWalk(volume: OpenVolume, options: SortedWalkOptions): SortedWalk {
  const inspector = { ...createInspector(volume, options), isKnown: options.isKnown }
  const fastStat = new FastStat(inspector)
  const enter = (pin: Pin, path: Buffer) => enterFolder({ inspector, fastStat, pin, path, options })
  return {
    openRoot: () => enter(volume.pin, volume.root.path),
    async open({ item, pin }) {
      if (!pin) throw new Error('only directories can be opened')
      return await enter(pin, item.entry.path)
    },
  }
}

/** Whether it is a directory whose content belongs to the volume. */
export function canEnter({ item, isMount }: Seen): boolean {
  return item.entry.type === 'directory' && !isMount
}

interface WalkedFolder {
  inspector: ReturnType<typeof createInspector>
  fastStat: FastStat
  pin: Pin
  path: Buffer
  options: SortedWalkOptions
}

async function enterFolder(folder: WalkedFolder): Promise<SortedFolder | undefined> {
  const { log: walkLog, part } = folder.options
  const log = walkLog?.openFolder(
    folder.path,
    makeStamp(folder.pin.stat),
    part?.leadsTo(folder.path) ?? false,
  )
  const names = await readNames(folder)
  if (!names) return undefined
  let place = 0
  let held: Seen[] = []
  const release = () => {
    for (const { pin } of held) if (pin) unpin(pin)
    held = []
  }
  return {
    async next() {
      release()
      while (held.length === 0 && place < names.count) {
        folder.options.signal.throwIfAborted()
        folder.inspector.reset()
        const batch = nextBatch(names, place)
        const last = batch.at(-1)
        if (last) await folder.options.beforeNames?.(last.name)
        const seen = await inspectNames(folder, batch)
        const used = upToDirectory(seen)
        place += used
        if (log) logSeen(log, seenNames(folder, batch, seen.slice(0, used)))
        held = seen.slice(0, used).filter((one) => one !== undefined)
      }
      return held
    },
    close() {
      release()
      log?.close()
    },
  }
}

function seenNames(
  { path, inspector }: WalkedFolder,
  batch: ListedName[],
  seen: readonly (Seen | undefined)[],
): SeenNames {
  const names = batch.slice(0, seen.length).map(({ name }) => name)
  return { folder: path, names, seen, vanished: inspector.vanished }
}

/** The next names, up to the first one that the listing says is a directory. */
function nextBatch(names: NameTable, from: number): ListedName[] {
  const batch: ListedName[] = []
  while (batch.length < MAX_CONCURRENT && from + batch.length < names.count) {
    const name = names.at(from + batch.length)
    batch.push(name)
    if (name.isDirectory) break
  }
  return batch
}

/** Returns no promise if nothing has to be waited for. */
function inspectNames(
  { inspector, fastStat, pin, path }: WalkedFolder,
  batch: ListedName[],
): (Seen | undefined)[] | Promise<(Seen | undefined)[]> {
  const mayUseFastStat = batch[0] !== undefined && fastStat.serves(pin, batch[0].name)
  const seen = batch.map(({ name, isDirectory }) => {
    const place = { directory: pin, name, path: joinPath(path, name), isDirectory }
    const item = isDirectory || !mayUseFastStat ? undefined : fastStat.known(place)
    return item ? { item, pin: undefined, isMount: false } : inspect(inspector, place)
  })
  return allKnown<Seen | undefined>(seen)
}

/** If an entry has become a directory since it was listed, the entries after it are inspected again later. */
function upToDirectory(seen: readonly (Seen | undefined)[]): number {
  const directory = seen.findIndex((one) => one && canEnter(one))
  if (directory < 0) return seen.length
  for (const one of seen.slice(directory + 1)) if (one?.pin) unpin(one.pin)
  return directory + 1
}

async function readNames({ inspector, pin, path, options }: WalkedFolder): Promise<NameTable | undefined> {
  const table = new NameTable()
  try {
    const names = await openNames(pin.place, pin.cached)
    try {
      for (
        let some = await names.next(MAX_CONCURRENT);
        some.length > 0;
        some = await names.next(MAX_CONCURRENT)
      ) {
        for (const one of withoutLeftOut(options, path, some)) table.add(one)
      }
    } catch (error) {
      inspector.warn('fault', path, `cannot be listed to its end: ${describeReason(error)}`)
    } finally {
      await names.close()
    }
  } catch (error) {
    inspector.warn('fault', path, `cannot be listed: ${describeReason(error)}`)
    return undefined
  }
  table.sort()
  return table
}
