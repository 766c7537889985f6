import type { TreeItem } from './entry.ts'
import { joinPath } from './join-path.ts'
import { withoutLeftOut } from './left-out.ts'
import { type Look, look } from './look.ts'
import { makeLooker, SIDE_BY_SIDE, type WalkOptions } from './looker.ts'
import { type ListedName, type NameStream, openNames } from './name-stream.ts'
import { type Pin, unpin } from './pin.ts'
import { reasonOf } from './reason.ts'
import { addLooks, type FolderLog, stampOf } from './recheck/walk-log.ts'
import type { OpenVolume } from './volume.ts'

/**
 * Everything in a volume, the volume itself first, each directory before what is in it, in batches; an item is good
 * until the next batch is asked for. Names are never collected, so that memory does not grow with a folder.
 * What cannot be read is left out with a warning. Throws the signal's reason.
 */
export async function* walkTree(volume: OpenVolume, options: WalkOptions): AsyncGenerator<TreeItem[]> {
  const walk: Walk = { options, looker: makeLooker(volume, options), open: [], held: [] }
  try {
    yield [{ entry: volume.root, data: null, open: null }]
    await enter(walk, volume.pin, volume.root.path)
    for (let top = walk.open.at(-1); top; top = walk.open.at(-1)) {
      options.signal.throwIfAborted()
      walk.held = await nextLooks(walk, top)
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
  looker: ReturnType<typeof makeLooker>
  /** From the volume down to the directory that is being read. */
  open: OpenDirectory[]
  /** The batch that is being used. */
  held: Look[]
}

/** A directory in the middle of being read. */
interface OpenDirectory {
  pin: Pin
  path: Buffer
  names: NameStream
  /** Directories in it that were seen and not yet entered: at most one batch. */
  directories: Buffer[]
  log: FolderLog | undefined
}

/** The next directory to enter, else the next names; at the directory's end it is left. */
async function nextLooks(walk: Walk, top: OpenDirectory): Promise<Look[]> {
  walk.looker.reset()
  const directory = top.directories.pop()
  if (directory) return await lookAt(walk, top, { names: [directory], isDirectory: true })
  const names = await listNames(walk, top)
  if (names.length === 0) {
    walk.open.pop()
    await leave(top, walk.looker.volume.pin)
    return []
  }
  top.directories = names.filter((one) => one.isDirectory).map((one) => one.name)
  const others = names.filter((one) => !one.isDirectory).map((one) => one.name)
  return await lookAt(walk, top, { names: others, isDirectory: false })
}

async function listNames(walk: Walk, top: OpenDirectory): Promise<ListedName[]> {
  try {
    const names = await top.names.next(SIDE_BY_SIDE)
    const others = withoutLeftOut(walk.options, top.path, names)
    return others.length === 0 && names.length > 0 ? await listNames(walk, top) : others
  } catch (error) {
    walk.looker.warn('fault', top.path, `cannot be listed to its end: ${reasonOf(error)}`)
    return []
  }
}

interface Names {
  names: Buffer[]
  isDirectory: boolean
}

async function lookAt(walk: Walk, top: OpenDirectory, { names, isDirectory }: Names): Promise<Look[]> {
  const looks = await Promise.all(
    names.map((name) =>
      look(walk.looker, { directory: top.pin, name, path: joinPath(top.path, name), isDirectory }),
    ),
  )
  if (top.log) addLooks(top.log, { folder: top.path, names, looks, vanished: walk.looker.vanished })
  return looks.filter((one) => one !== undefined)
}

async function enterOrUnpin(walk: Walk, { item, pin, isMount }: Look): Promise<void> {
  if (item.entry.type !== 'directory' || isMount) unpin(pin)
  else await enter(walk, pin, item.entry.path)
}

async function enter(walk: Walk, pin: Pin, path: Buffer): Promise<void> {
  try {
    const log = walk.options.log?.openFolder(path, stampOf(pin.stat), false)
    walk.open.push({ pin, path, names: await openNames(pin.place), directories: [], log })
  } catch (error) {
    walk.looker.warn('fault', path, `cannot be listed: ${reasonOf(error)}`)
    if (path.length > 0) unpin(pin)
  }
}

/** The volume's own pin belongs to who opened it. */
async function leave({ names, pin, log }: OpenDirectory, volume: Pin): Promise<void> {
  log?.close()
  await names.close()
  if (pin !== volume) unpin(pin)
}
