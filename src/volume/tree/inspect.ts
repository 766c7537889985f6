import { readlink } from 'node:fs/promises'
import { bytesToText } from '../../lib/byte-paths.ts'
import { errnoOf } from '../../lib/errors.ts'
import { readXattrs } from './attributes.ts'
import { describeReason } from './describe-reason.ts'
import type { FileSource, OpenFile, TreeEntry, TreeItem, TreeWarning } from './entry.ts'
import { exactMtimeNs } from './exact-time.ts'
import { openFile, readWhole } from './file-source.ts'
import { readFlags, readFlagsAt } from './inode-flags.ts'
import { findMountId } from './mounts.ts'
import { noteFlags } from './note-flags.ts'
import { childPlace, type Pin, pinChild, unpin } from './pin.ts'
import { MAX_SMALL_FILE_BYTES, readCachedFile } from './read-cached.ts'
import { readEntryType, toTreeEntry } from './stat-entry.ts'
import type { OpenVolume } from './volume.ts'
import { openWhole } from './whole-file.ts'

/** What the inspection of names needs. `room` returns memory that is used again for the next names. */
export interface Inspector {
  volume: OpenVolume
  room(bytes: number): Buffer
  /**
   * Whether an entry is unchanged according to its stat: its attributes, link target and content are then not read.
   * If left out, no entry is known.
   */
  isKnown?(entry: TreeEntry): boolean
  warn(severity: TreeWarning['severity'], path: Buffer, message: string): void
  /** The name was listed, but does not exist any more. */
  onVanished?(path: Buffer): void
}

/** The entry behind a name. `pin` is still held: unpin it when the item has been used. */
export interface Inspected {
  item: TreeItem
  pin: Pin
  /** Something is mounted there. */
  isMount: boolean
}

/** An entry of a pinned directory; `path` is relative to the volume. */
export interface EntryPlace {
  directory: Pin
  name: Buffer
  path: Buffer
  /** According to the directory listing. */
  isDirectory?: boolean
}

/**
 * Inspects one entry. Undefined, with a warning, if it cannot be backed up. Returns no promise if nothing has to be
 * waited for, which holds for most entries.
 */
export function inspect(
  inspector: Inspector,
  place: EntryPlace,
): Inspected | undefined | Promise<Inspected | undefined> {
  if (isInMountTable(inspector.volume, place.path)) return describeMount(inspector, place)
  let pin: Pin | Promise<Pin>
  try {
    pin = pinChild(place.directory, place.name, inspector.volume.kernel)
  } catch (error) {
    return warnOfPin(inspector, place, error)
  }
  return pin instanceof Promise
    ? inspectWhenPinned(inspector, place, pin)
    : inspectPinned(inspector, place, pin)
}

async function inspectWhenPinned(
  inspector: Inspector,
  place: EntryPlace,
  pinning: Promise<Pin>,
): Promise<Inspected | undefined> {
  let pin: Pin
  try {
    pin = await pinning
  } catch (error) {
    return warnOfPin(inspector, place, error)
  }
  return await inspectPinned(inspector, place, pin)
}

function inspectPinned(
  inspector: Inspector,
  place: EntryPlace,
  pin: Pin,
): Inspected | undefined | Promise<Inspected | undefined> {
  const isMount = isMountPoint(inspector.volume, pin)
  const failed = (error: unknown) => {
    inspector.warn('fault', place.path, `cannot be read: ${describeReason(error)}`)
    return unpinned(pin)
  }
  const inspected = (item: TreeItem | undefined) => (item ? { item, pin, isMount } : unpinned(pin))
  try {
    const item = isMount
      ? mountItem(inspector, toTreeEntry(readEntryType(pin.stat) ?? 'file', pin.stat, place.path))
      : createItem(inspector, place, pin)
    return item instanceof Promise ? item.then(inspected, failed) : inspected(item)
  } catch (error) {
    return failed(error)
  }
}

function unpinned(pin: Pin): undefined {
  unpin(pin)
}

function warnOfPin(inspector: Inspector, { path }: EntryPlace, error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') {
    inspector.onVanished?.(path)
    inspector.warn('note', path, 'vanished before it was opened')
  } else inspector.warn('fault', path, `cannot be inspected: ${describeReason(error)}`)
}

function isInMountTable({ mounts }: OpenVolume, path: Buffer): boolean {
  const { below } = mounts()
  return below.size > 0 && below.has(path.toString('latin1'))
}

/** Describes a mount point without accessing it, because its server may not answer, and every call would hang. */
function describeMount(inspector: Inspector, place: EntryPlace): Inspected {
  const { directory, name, path, isDirectory = true } = place
  const { stat } = directory
  const entry = toTreeEntry(isDirectory ? 'directory' : 'file', stat, path)
  const mode = isDirectory ? entry.mode : entry.mode & 0o666
  const pin = { fd: -1, place: childPlace(directory, name), cached: false, stat }
  return { item: mountItem(inspector, { ...entry, mode }), pin, isMount: true }
}

/** Detects by the device number what was mounted since the mount table was read, or if there is no such table. */
function isMountPoint(volume: OpenVolume, pin: Pin): boolean {
  if (pin.stat.dev === volume.pin.stat.dev) return false
  return pin.fd < 0 || findMountId(pin.fd) !== volume.mounts().id
}

/** Keeps the mount point itself, so that it can be mounted again after a recover, but not what is mounted there. */
function mountItem(inspector: Inspector, entry: TreeEntry): TreeItem {
  inspector.warn('note', entry.path, 'is a mount point: what is mounted there is not part of the volume')
  const data = entry.type === 'file' ? Buffer.alloc(0) : null
  return { entry: { ...entry, size: 0, links: 1 }, data, open: null }
}

function createItem(
  inspector: Inspector,
  place: EntryPlace,
  pin: Pin,
): TreeItem | undefined | Promise<TreeItem> {
  const type = readEntryType(pin.stat)
  if (type === undefined) {
    inspector.warn('note', place.path, 'is a socket, which has no content: left out')
    return undefined
  }
  const entry = toTreeEntry(type, pin.stat, place.path)
  entry.mtimeNs = exactMtimeNs(pin.fd, entry.mtimeNs)
  if (inspector.isKnown?.(entry)) return { entry, data: null, open: null }
  const content = type === 'file' ? readCachedFile(inspector.volume, entry, pin) : undefined
  if (content) return cachedItem(inspector, entry, content)
  readAttributes(inspector, entry, pin)
  if (type === 'symlink') return linkItem(inspector.volume, entry, { place, pin })
  return type === 'file' ? fileItem(inspector, entry, pin) : { entry, data: null, open: null }
}

function cachedItem({ room }: Inspector, entry: TreeEntry, content: Buffer): TreeItem {
  const data = room(content.length)
  data.set(content)
  return { entry, data, open: null }
}

function readAttributes(inspector: Inspector, entry: TreeEntry, pin: Pin): void {
  if (!inspector.volume.kernel) return
  try {
    entry.xattrs = readXattrs(inspector.volume.kernel, { pinned: pin.fd })
  } catch (error) {
    inspector.warn('fault', entry.path, `its extended attributes cannot be read: ${describeReason(error)}`)
  }
  if (entry.type === 'directory')
    noteFlags(inspector.volume, entry, readFlagsAt(inspector.volume.kernel, pin.place))
}

function linkItem(
  { kernel }: OpenVolume,
  entry: TreeEntry,
  { place, pin }: { place: EntryPlace; pin: Pin },
): TreeItem | Promise<TreeItem> {
  const withTarget = (linkTarget: Buffer) => ({
    entry: Object.assign(entry, { linkTarget }),
    data: null,
    open: null,
  })
  if (kernel) return withTarget(kernel.readlinkat(pin.fd, Buffer.alloc(0)))
  return readlink(childPlace(place.directory, place.name), { encoding: 'buffer' }).then(withTarget)
}

function fileItem(inspector: Inspector, entry: TreeEntry, pin: Pin): TreeItem | Promise<TreeItem> {
  const open = opener(inspector, entry, pin)
  if (entry.size > MAX_SMALL_FILE_BYTES) return { entry, data: null, open }
  return readIfSmall(inspector, entry, open)
}

function opener({ volume }: Inspector, entry: TreeEntry, pin: Pin): () => Promise<OpenFile> {
  return async () => {
    const file = await openFile(pin, entry, volume)
    if (volume.kernel) noteFlags(volume, entry, readFlags(volume.kernel, file.fd, false))
    return volume.hasTrueSizes ? file : await openWhole(file, entry)
  }
}

async function readIfSmall(
  inspector: Inspector,
  entry: TreeEntry,
  open: () => Promise<OpenFile>,
): Promise<TreeItem> {
  const source = await open()
  try {
    return entry.size > MAX_SMALL_FILE_BYTES
      ? { entry, data: null, open }
      : { entry, data: await readSmall(inspector, entry, source), open: null }
  } finally {
    await source.close()
  }
}

async function readSmall(inspector: Inspector, entry: TreeEntry, source: FileSource): Promise<Buffer> {
  const data = inspector.room(entry.size)
  const filled = await readWhole(source, data)
  data.fill(0, filled)
  const change = filled < entry.size ? 'shrank' : await source.changed()
  if (change) warnOfChange(inspector.warn, entry.path, change)
  return data
}

/** Warns about a file that changed while it was read. */
export function warnOfChange(
  warn: Inspector['warn'],
  path: Buffer,
  change: 'grew' | 'shrank' | 'changed',
): void {
  if (change === 'grew') warn('note', path, 'grew while it was read: only its length at the open is kept')
  else if (change === 'shrank') warn('fault', path, 'shrank while it was read: the rest of it is zeros')
  else warn('fault', path, 'changed while it was read')
}

/** The message for a hard link whose inode changed, or was reused by another file, since its `first` name was kept. */
export function noLongerLinked(first: Buffer): string {
  return `is stored as a separate file, not as a hard link of "${bytesToText(first)}": that file changed or was replaced meanwhile`
}
