import { describeReason } from './describe-reason.ts'
import type { TreeItem } from './entry.ts'
import { type Inspected, inspect } from './inspect.ts'
import { createInspector, MAX_CONCURRENT, type WalkOptions } from './inspector.ts'
import { joinPath } from './join-path.ts'
import { withoutLeftOut } from './left-out.ts'
import { type ListedName, type NameStream, openNames } from './name-stream.ts'
import { type Pin, unpin } from './pin.ts'
import { type FolderLog, logSeen, makeStamp } from './recheck/walk-log.ts'
import type { OpenVolume } from './volume.ts'

/**
 * Walks a volume in batches: the volume itself first, and each directory before its content. Items are valid until
 * the next batch is requested. Names are not collected, so memory does not grow with the size of a folder.
 * Entries that cannot be read are left out with a warning. Throws the signal's reason.
 */
export async function* walkTree(volume: OpenVolume, options: WalkOptions): AsyncGenerator<TreeItem[]> {
  const walk: Walk = { options, inspector: createInspector(volume, options), open: [], held: [] }
  try {
    yield [{ entry: volume.root, data: null, open: null }]
    await enterDirectory(walk, volume.pin, volume.root.path)
    for (let top = walk.open.at(-1); top; top = walk.open.at(-1)) {
      options.signal.throwIfAborted()
      walk.held = await inspectNext(walk, top)
      if (walk.held.length > 0) yield walk.held.map((one) => one.item)
      for (let one = walk.held.pop(); one; one = walk.held.pop()) await enterOrUnpin(walk, one)
    }
  } finally {
    for (const { pin } of walk.held) unpin(pin)
    for (const directory of walk.open) await leave(directory, volume.pin)
  }
}

interface Walk {
  options: WalkOptions
  inspector: ReturnType<typeof createInspector>
  /** The stack of directories, from the volume down to the one that is being read. */
  open: OpenDirectory[]
  /** The batch that the caller is using. */
  held: Inspected[]
}

/** A directory that is being read. */
interface OpenDirectory {
  pin: Pin
  path: Buffer
  names: NameStream
  /** Subdirectories that were listed but not entered yet: at most one batch. */
  directories: Buffer[]
  log: FolderLog | undefined
}

/** Inspects the next subdirectory, or else the next names. Leaves the directory at its end. */
async function inspectNext(walk: Walk, top: OpenDirectory): Promise<Inspected[]> {
  walk.inspector.reset()
  const directory = top.directories.pop()
  if (directory) return await inspectNames(walk, top, { names: [directory], isDirectory: true })
  const names = await listDirectoryNames(walk, top)
  if (names.length === 0) {
    walk.open.pop()
    await leave(top, walk.inspector.volume.pin)
    return []
  }
  top.directories = names.filter((one) => one.isDirectory).map((one) => one.name)
  const others = names.filter((one) => !one.isDirectory).map((one) => one.name)
  return await inspectNames(walk, top, { names: others, isDirectory: false })
}

async function listDirectoryNames(walk: Walk, top: OpenDirectory): Promise<ListedName[]> {
  try {
    const names = await top.names.next(MAX_CONCURRENT)
    const others = withoutLeftOut(walk.options, top.path, names)
    return others.length === 0 && names.length > 0 ? await listDirectoryNames(walk, top) : others
  } catch (error) {
    walk.inspector.warn('fault', top.path, `cannot be listed to its end: ${describeReason(error)}`)
    return []
  }
}

interface Names {
  names: Buffer[]
  isDirectory: boolean
}

async function inspectNames(
  walk: Walk,
  top: OpenDirectory,
  { names, isDirectory }: Names,
): Promise<Inspected[]> {
  const seen = await Promise.all(
    names.map((name) =>
      inspect(walk.inspector, { directory: top.pin, name, path: joinPath(top.path, name), isDirectory }),
    ),
  )
  if (top.log) logSeen(top.log, { folder: top.path, names, seen, vanished: walk.inspector.vanished })
  return seen.filter((one) => one !== undefined)
}

async function enterOrUnpin(walk: Walk, { item, pin, isMount }: Inspected): Promise<void> {
  if (item.entry.type !== 'directory' || isMount) unpin(pin)
  else await enterDirectory(walk, pin, item.entry.path)
}

async function enterDirectory(walk: Walk, pin: Pin, path: Buffer): Promise<void> {
  try {
    const log = walk.options.log?.openFolder(path, makeStamp(pin.stat), false)
    walk.open.push({ pin, path, names: await openNames(pin.place), directories: [], log })
  } catch (error) {
    walk.inspector.warn('fault', path, `cannot be listed: ${describeReason(error)}`)
    if (path.length > 0) unpin(pin)
  }
}

/** Does not unpin the volume itself, which belongs to the caller. */
async function leave({ names, pin, log }: OpenDirectory, volume: Pin): Promise<void> {
  log?.close()
  await names.close()
  if (pin !== volume) unpin(pin)
}
