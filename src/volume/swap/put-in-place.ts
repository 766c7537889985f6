import { renameSync, rmdirSync } from 'node:fs'
import { basename } from 'node:path'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { succeedsSync } from '../../lib/tolerate.ts'
import type { TreeWarning } from '../tree/entry.ts'
import { joinPath } from '../tree/join-path.ts'
import { breather, type Folder, isOnSameMount, openFolder, statEntry, streamNames } from './folder.ts'
import { moveWithoutReplacing } from './move.ts'
import { protectListed } from './protected-list.ts'
import { emptyFolder } from './remove-tree.ts'
import { applyRoot, readRoot } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'

export interface InPlaceInput {
  /** Has the chosen entries and their parent folders, all with metadata and synced to disk. */
  staging: Staging
  /** False for a path that was staged only as the parent of a chosen one. */
  isChosen(path: Buffer): boolean
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
}

/**
 * Renames the staged entries into the volume one by one; everything else in the volume stays as it is. An existing
 * folder keeps its content, and gets the staged folder's metadata if it was chosen. A chosen entry replaces one of
 * another kind, except a folder that is not empty. After a crash each entry is either the old or the new one.
 * @returns how many entries could not be restored exactly; each caused a warning
 * @throws VOLUME_MISSING if the volume is not the same directory any more, and the signal's reason
 */
export async function putInPlace(input: InPlaceInput): Promise<{ faults: number }> {
  await using folders = await openSwapFolders(input.staging.pointer, input.staging.volume)
  const placing: Placing = { ...input, folders, breathe: breather(), faults: 0, removed: { count: 0 } }
  await placeAll(placing, { from: folders.fresh, to: folders.volume, path: Buffer.alloc(0) })
  await protectListed({
    staging: folders.staging,
    top: folders.volume,
    isChosen: (path) => input.isChosen(path),
    warn: (message) => input.onWarning({ severity: 'note', path: Buffer.alloc(0), message }),
  })
  await syncFilesystem(folders.volume)
  await emptyOld(placing)
  return { faults: placing.faults }
}

interface Placing extends InPlaceInput {
  folders: SwapFolders
  breathe(): Promise<void>
  faults: number
  /** Entries that were moved to the old folder, where their number is their name. */
  removed: { count: number }
}

interface PlacedPair {
  from: Folder
  to: Folder
  path: Buffer
}

async function placeAll(placing: Placing, pair: PlacedPair): Promise<void> {
  for await (const name of streamNames(pair.from)) {
    await placing.breathe()
    placing.signal.throwIfAborted()
    const path = joinPath(pair.path, name)
    try {
      if (pair.path.length === 0 && isOwnStaging(placing, name))
        fault(placing, path, 'collides with the name of the staging folder. Recover it again')
      else await placeOne(placing, pair, name)
    } catch (error) {
      if (!failsEntryOnly(error)) throw error
      fault(placing, path, `could not be put in place (${errnoOf(error)})`)
    }
  }
}

function isOwnStaging({ staging: { pointer } }: Placing, name: Buffer): boolean {
  return isInside(pointer.staging, pointer.volume) && name.toString() === basename(pointer.staging)
}

/** Errors that missing rights or a mount cause: they fail one entry, and the others continue. */
function failsEntryOnly(error: unknown): boolean {
  return ['EPERM', 'EACCES', 'EXDEV', 'EBUSY', 'ETXTBSY', 'EROFS', 'ELOOP', 'ENOTDIR'].includes(
    errnoOf(error) ?? '',
  )
}

function fault(placing: Placing, path: Buffer, message: string): void {
  placing.faults++
  placing.onWarning({ severity: 'fault', path, message })
}

async function placeOne(
  placing: Placing,
  { from, to, path: folder }: PlacedPair,
  name: Buffer,
): Promise<void> {
  const path = joinPath(folder, name)
  const staged = statEntry(from, name)
  if (!staged) return
  const there = statEntry(to, name)
  if (!there) return moveWithoutReplacing({ folder: from, name }, { folder: to, name })
  if (staged.isDirectory() && there.isDirectory()) return mergeFolder(placing, { from, to, path }, name)
  if (!staged.isDirectory() && !there.isDirectory()) return renameSync(from.at(name), to.at(name))
  if (!placing.isChosen(path))
    return fault(placing, path, 'is not a directory in the volume, so its content was left out')
  if (!replace(placing, { from, to, wasFolder: there.isDirectory() }, name))
    fault(placing, path, 'is a directory in the volume that is not empty: it was left as it is')
}

async function mergeFolder(placing: Placing, { from, to, path }: PlacedPair, name: Buffer): Promise<void> {
  await using staged = await openFolder(from.at(name))
  await using there = await openFolder(to.at(name))
  if (!isOnSameMount(there, placing.folders.volume))
    return fault(placing, path, 'is a mount point in the volume: what is mounted there was left as it is')
  const metadata = readRoot(staged)
  await staged.chmod(0o700)
  await placeAll(placing, { from: staged, to: there, path })
  if (placing.isChosen(path)) await applyRoot(there, metadata, (message) => fault(placing, path, message))
}

interface Exchange extends Omit<PlacedPair, 'path'> {
  wasFolder: boolean
}

/**
 * Replaces a directory by another kind of file or the reverse; the old one is moved aside or removed. False, with
 * nothing changed, if the old directory is not empty.
 */
function replace({ folders, removed }: Placing, { from, to, wasFolder }: Exchange, name: Buffer): boolean {
  const aside = folders.old.at(String(removed.count++))
  if (exchange(from, to, name)) {
    if (!wasFolder) renameSync(from.at(name), aside)
    else if (!removeEmpty(from.at(name))) return !exchange(from, to, name)
    return true
  }
  renameSync(to.at(name), aside)
  try {
    if (!wasFolder || removeEmpty(aside)) {
      renameSync(from.at(name), to.at(name))
      return true
    }
  } catch (error) {
    renameSync(aside, to.at(name))
    throw error
  }
  renameSync(aside, to.at(name))
  return false
}

function removeEmpty(folder: Buffer): boolean {
  return succeedsSync(['ENOTEMPTY', 'EEXIST'], () => rmdirSync(folder))
}

/** Swaps two names atomically. False if the file system or the kernel cannot do it. */
function exchange(from: Folder, to: Folder, name: Buffer): boolean {
  const kernel = loadKernel()
  if (!kernel) return false
  const places = [
    { dir: from.fd, name },
    { dir: to.fd, name },
  ] as const
  return succeedsSync(['EINVAL', 'ENOSYS'], () => kernel.renameat2(...places, 'exchange'))
}

async function emptyOld({ folders, onWarning }: Placing): Promise<void> {
  try {
    await emptyFolder(folders.old)
  } catch (error) {
    const message = `replaced entries could not be removed (${messageOf(error)})`
    onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  }
}
