import { readlink } from 'node:fs/promises'
import { bytesToText } from '../../lib/byte-paths.ts'
import { errnoOf } from '../../lib/errors.ts'
import { readXattrs } from './attributes.ts'
import type { FileSource, OpenFile, TreeEntry, TreeItem, TreeWarning } from './entry.ts'
import { exactMtimeNs } from './exact-time.ts'
import { openFile, readWhole } from './file-source.ts'
import { readFlags, readFlagsAt } from './inode-flags.ts'
import { mountIdOf } from './mounts.ts'
import { noteFlags } from './note-flags.ts'
import { childPlace, type Pin, pinChild, unpin } from './pin.ts'
import { readCachedFile, SMALL_FILE } from './read-cached.ts'
import { reasonOf } from './reason.ts'
import { entryOf, typeOf } from './stat-entry.ts'
import type { OpenVolume } from './volume.ts'
import { openWhole } from './whole-file.ts'

/** What a look at names needs. `room` hands out memory that is free again when the next names are looked at. */
export interface Looker {
  volume: OpenVolume
  room(bytes: number): Buffer
  /**
   * Whether all of an entry is known by what stat tells of it: its attributes, its link target and its content are
   * then not read. Nothing is known where nobody is asked.
   */
  isKnown?(entry: TreeEntry): boolean
  warn(severity: TreeWarning['severity'], path: Buffer, message: string): void
  /** The name was listed, and is not there any more. */
  onVanished?(path: Buffer): void
}

/** What stands behind a name. `pin` is still held: unpin it when the item has been used. */
export interface Look {
  item: TreeItem
  pin: Pin
  /** Something is mounted there. */
  isMount: boolean
}

/** An entry of a pinned directory; `path` from the volume on. */
export interface Place {
  directory: Pin
  name: Buffer
  path: Buffer
  /** As the directory says. */
  isDirectory?: boolean
}

/**
 * Looks at one entry; undefined, with a warning, for what cannot be backed up. At once, without a promise, where
 * nothing has to be waited for: most entries of most volumes.
 */
export function look(looker: Looker, place: Place): Look | undefined | Promise<Look | undefined> {
  if (isInMountTable(looker.volume, place.path)) return lookAtMount(looker, place)
  let pin: Pin | Promise<Pin>
  try {
    pin = pinChild(place.directory, place.name, looker.volume.kernel)
  } catch (error) {
    return warnOfPin(looker, place, error)
  }
  return pin instanceof Promise ? lookWaiting(looker, place, pin) : lookPinned(looker, place, pin)
}

async function lookWaiting(looker: Looker, place: Place, pinning: Promise<Pin>): Promise<Look | undefined> {
  let pin: Pin
  try {
    pin = await pinning
  } catch (error) {
    return warnOfPin(looker, place, error)
  }
  return await lookPinned(looker, place, pin)
}

function lookPinned(looker: Looker, place: Place, pin: Pin): Look | undefined | Promise<Look | undefined> {
  const isMount = isMountPoint(looker.volume, pin)
  const refused = (error: unknown) => {
    looker.warn('fault', place.path, `cannot be read: ${reasonOf(error)}`)
    return unpinned(pin)
  }
  const taken = (item: TreeItem | undefined) => (item ? { item, pin, isMount } : unpinned(pin))
  try {
    const item = isMount
      ? mountItem(looker, entryOf(typeOf(pin.stat) ?? 'file', pin.stat, place.path))
      : itemOf(looker, place, pin)
    return item instanceof Promise ? item.then(taken, refused) : taken(item)
  } catch (error) {
    return refused(error)
  }
}

function unpinned(pin: Pin): undefined {
  unpin(pin)
}

function warnOfPin(looker: Looker, { path }: Place, error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') {
    looker.onVanished?.(path)
    looker.warn('note', path, 'vanished before it was opened')
  } else looker.warn('fault', path, `cannot be looked at: ${reasonOf(error)}`)
}

function isInMountTable({ mounts }: OpenVolume, path: Buffer): boolean {
  const { below } = mounts()
  return below.size > 0 && below.has(path.toString('latin1'))
}

/** Never touched: the server of what is mounted there may be dead, and every call would wait for it. */
function lookAtMount(looker: Looker, place: Place): Look {
  const { directory, name, path, isDirectory = true } = place
  const { stat } = directory
  const entry = entryOf(isDirectory ? 'directory' : 'file', stat, path)
  const mode = isDirectory ? entry.mode : entry.mode & 0o666
  const pin = { fd: -1, place: childPlace(directory, name), cached: false, stat }
  return { item: mountItem(looker, { ...entry, mode }), pin, isMount: true }
}

/** Mounted since the mount table was read, or no such table: another device number tells. */
function isMountPoint(volume: OpenVolume, pin: Pin): boolean {
  if (pin.stat.dev === volume.pin.stat.dev) return false
  return pin.fd < 0 || mountIdOf(pin.fd) !== volume.mounts().id
}

/** The place is kept, so that it can be mounted again, and nothing of what is mounted there. */
function mountItem(looker: Looker, entry: TreeEntry): TreeItem {
  looker.warn('note', entry.path, 'is a mount point: what is mounted there is not part of the volume')
  const data = entry.type === 'file' ? Buffer.alloc(0) : null
  return { entry: { ...entry, size: 0, links: 1 }, data, open: null }
}

function itemOf(looker: Looker, place: Place, pin: Pin): TreeItem | undefined | Promise<TreeItem> {
  const type = typeOf(pin.stat)
  if (type === undefined) {
    looker.warn('note', place.path, 'is a socket, which has no content: not kept')
    return undefined
  }
  const entry = entryOf(type, pin.stat, place.path)
  entry.mtimeNs = exactMtimeNs(pin.fd, entry.mtimeNs)
  if (looker.isKnown?.(entry)) return { entry, data: null, open: null }
  const content = type === 'file' ? readCachedFile(looker.volume, entry, pin) : undefined
  if (content) return cachedItem(looker, entry, content)
  readAttributes(looker, entry, pin)
  if (type === 'symlink') return linkItem(looker.volume, entry, { place, pin })
  return type === 'file' ? fileItem(looker, entry, pin) : { entry, data: null, open: null }
}

function cachedItem({ room }: Looker, entry: TreeEntry, content: Buffer): TreeItem {
  const data = room(content.length)
  data.set(content)
  return { entry, data, open: null }
}

function readAttributes(looker: Looker, entry: TreeEntry, pin: Pin): void {
  if (!looker.volume.kernel) return
  try {
    entry.xattrs = readXattrs(looker.volume.kernel, { pinned: pin.fd })
  } catch (error) {
    looker.warn('fault', entry.path, `its extended attributes cannot be read: ${reasonOf(error)}`)
  }
  if (entry.type === 'directory')
    noteFlags(looker.volume, entry, readFlagsAt(looker.volume.kernel, pin.place))
}

function linkItem(
  { kernel }: OpenVolume,
  entry: TreeEntry,
  { place, pin }: { place: Place; pin: Pin },
): TreeItem | Promise<TreeItem> {
  const withTarget = (linkTarget: Buffer) => ({
    entry: Object.assign(entry, { linkTarget }),
    data: null,
    open: null,
  })
  if (kernel) return withTarget(kernel.readlinkat(pin.fd, Buffer.alloc(0)))
  return readlink(childPlace(place.directory, place.name), { encoding: 'buffer' }).then(withTarget)
}

function fileItem(looker: Looker, entry: TreeEntry, pin: Pin): TreeItem | Promise<TreeItem> {
  const open = opener(looker, entry, pin)
  if (entry.size > SMALL_FILE) return { entry, data: null, open }
  return readIfSmall(looker, entry, open)
}

function opener({ volume }: Looker, entry: TreeEntry, pin: Pin): () => Promise<OpenFile> {
  return async () => {
    const file = await openFile(pin, entry, volume)
    if (volume.kernel) noteFlags(volume, entry, readFlags(volume.kernel, file.fd, false))
    return volume.hasTrueSizes ? file : await openWhole(file, entry)
  }
}

async function readIfSmall(
  looker: Looker,
  entry: TreeEntry,
  open: () => Promise<OpenFile>,
): Promise<TreeItem> {
  const source = await open()
  try {
    return entry.size > SMALL_FILE
      ? { entry, data: null, open }
      : { entry, data: await readSmall(looker, entry, source), open: null }
  } finally {
    await source.close()
  }
}

async function readSmall(looker: Looker, entry: TreeEntry, source: FileSource): Promise<Buffer> {
  const data = looker.room(entry.size)
  const filled = await readWhole(source, data)
  data.fill(0, filled)
  const change = filled < entry.size ? 'shrank' : await source.changed()
  if (change) warnOfChange(looker.warn, entry.path, change)
  return data
}

/** The words for a file that did not hold still while it was read. */
export function warnOfChange(
  warn: Looker['warn'],
  path: Buffer,
  change: 'grew' | 'shrank' | 'changed',
): void {
  if (change === 'grew')
    warn('note', path, 'grew while it was read: kept as long as it was when it was opened')
  else if (change === 'shrank') warn('fault', path, 'shrank while it was read: the rest of it is zeros')
  else warn('fault', path, 'changed while it was read')
}

/** The words for a name of an inode that changed, or was given to another file, since its `first` name was kept. */
export function noLongerLinked(first: Buffer): string {
  return `is kept as a file of its own, not as a hard link of "${bytesToText(first)}": that file changed or was replaced meanwhile`
}
