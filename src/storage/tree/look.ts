import { readlink } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import { readXattrs } from './attributes.ts'
import type { FileSource, TreeEntry, TreeItem, TreeWarning } from './entry.ts'
import { openFile, readWhole } from './file-source.ts'
import { mountIdOf } from './mounts.ts'
import { childPlace, type Pin, pinChild, unpin } from './pin.ts'
import { reasonOf } from './reason.ts'
import { entryOf, typeOf } from './stat-entry.ts'
import type { OpenVolume } from './volume.ts'

/** Up to this size a file is read when it is looked at. */
export const SMALL_FILE = 64 * 1024

/** What a look at names needs. `room` hands out memory that is free again when the next names are looked at. */
export interface Looker {
  volume: OpenVolume
  room(bytes: number): Buffer
  warn(severity: TreeWarning['severity'], path: Buffer, message: string): void
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
}

/** Looks at one entry; undefined, with a warning, for what cannot be backed up. */
export async function look(looker: Looker, place: Place): Promise<Look | undefined> {
  const pin = await pinOrWarn(looker, place)
  if (!pin) return undefined
  const isMount = isMountPoint(looker.volume, place.path, pin)
  try {
    const item = isMount ? mountItem(looker, place, pin) : await itemOf(looker, place, pin)
    if (item) return { item, pin, isMount }
  } catch (error) {
    looker.warn('fault', place.path, `cannot be read: ${reasonOf(error)}`)
  }
  unpin(pin)
  return undefined
}

async function pinOrWarn(looker: Looker, { directory, name, path }: Place): Promise<Pin | undefined> {
  try {
    return await pinChild(directory, name, looker.volume.kernel)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') looker.warn('note', path, 'vanished before it was opened')
    else looker.warn('fault', path, `cannot be looked at: ${reasonOf(error)}`)
    return undefined
  }
}

/** Where there is no mount table, another device number tells. */
function isMountPoint(volume: OpenVolume, path: Buffer, pin: Pin): boolean {
  if (pin.fd < 0) return pin.stat.dev !== volume.pin.stat.dev
  const { id, below } = volume.mounts
  return below.size > 0 && below.has(path.toString('latin1')) && mountIdOf(pin.fd) !== id
}

/** The place is kept, so that it can be mounted again, and nothing of what is mounted there. */
function mountItem(looker: Looker, { path }: Place, pin: Pin): TreeItem {
  looker.warn('note', path, 'is a mount point: what is mounted there is not part of the volume')
  const entry = entryOf(typeOf(pin.stat) ?? 'file', pin.stat, path)
  const data = entry.type === 'file' ? Buffer.alloc(0) : null
  return { entry: { ...entry, size: 0, links: 1 }, data, open: null }
}

async function itemOf(looker: Looker, place: Place, pin: Pin): Promise<TreeItem | undefined> {
  const type = typeOf(pin.stat)
  if (type === undefined) {
    looker.warn('note', place.path, 'is a socket, which has no content: not kept')
    return undefined
  }
  const entry = entryOf(type, pin.stat, place.path)
  readAttributes(looker, entry, pin)
  if (type === 'symlink') entry.linkTarget = await linkTarget(looker.volume, place, pin)
  return type === 'file' ? fileItem(looker, entry, pin) : { entry, data: null, open: null }
}

function readAttributes(looker: Looker, entry: TreeEntry, pin: Pin): void {
  if (!looker.volume.kernel) return
  try {
    entry.xattrs = readXattrs(looker.volume.kernel, { pinned: pin.fd })
  } catch (error) {
    looker.warn('fault', entry.path, `its extended attributes cannot be read: ${reasonOf(error)}`)
  }
}

async function linkTarget(volume: OpenVolume, { directory, name }: Place, pin: Pin): Promise<Buffer> {
  if (volume.kernel) return volume.kernel.readlinkat(pin.fd, Buffer.alloc(0))
  return await readlink(childPlace(directory, name), { encoding: 'buffer' })
}

async function fileItem(looker: Looker, entry: TreeEntry, pin: Pin): Promise<TreeItem> {
  const open = () => openFile(pin, entry, looker.volume.kernel)
  if (entry.size > SMALL_FILE) return { entry, data: null, open }
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
