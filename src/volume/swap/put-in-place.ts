import { renameSync, rmdirSync } from 'node:fs'
import { basename } from 'node:path'
import { errnoOf, messageOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeWarning } from '../tree/entry.ts'
import { joinPath } from '../tree/join-path.ts'
import { breather, type Folder, isOnSameMount, lookUp, namesIn, openFolder } from './folder.ts'
import { moveWithoutReplacing } from './move.ts'
import { protectListed } from './protected-list.ts'
import { emptyFolder } from './remove-tree.ts'
import { applyRoot, readRoot } from './root-metadata.ts'
import type { Staging } from './staging.ts'
import { isInside } from './staging-folders.ts'
import { openSwapFolders, type SwapFolders } from './swap-folders.ts'
import { syncFilesystem } from './sync-filesystem.ts'

export interface InPlaceInput {
  /** What was chosen lies in it, with the folders on the way; everything with its metadata, and on the disk. */
  staging: Staging
  /** Whether a path was chosen itself, or only leads to something that was. */
  isChosen(path: Buffer): boolean
  signal: AbortSignal
  onWarning(warning: TreeWarning): void
}

/**
 * Puts what was staged into the volume, name by name, each by one rename; what was not staged stays as it is. A
 * folder that is there keeps what is in it, and takes the staged one's metadata if it was chosen. What is of another
 * kind than the chosen that is to take its name goes, but for a folder that holds something. A crash leaves each name either as it was or as it is to be.
 * @returns how many names could not be put in place exactly; each was a warning
 * @throws VOLUME_MISSING where the volume is not the directory it was, and the signal's reason
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
  /** Names that went to the old side, each under its number. */
  removed: { count: number }
}

interface Pair {
  from: Folder
  to: Folder
  path: Buffer
}

async function placeAll(placing: Placing, pair: Pair): Promise<void> {
  for await (const name of namesIn(pair.from)) {
    await placing.breathe()
    placing.signal.throwIfAborted()
    const path = joinPath(pair.path, name)
    try {
      if (pair.path.length === 0 && isOwnStaging(placing, name))
        fault(placing, path, 'has the name of the folder from which it is recovered: recover it once more')
      else await placeOne(placing, pair, name)
    } catch (error) {
      if (!isRefusal(error)) throw error
      fault(placing, path, `could not be put in place (${errnoOf(error)})`)
    }
  }
}

function isOwnStaging({ staging: { pointer } }: Placing, name: Buffer): boolean {
  return isInside(pointer.staging, pointer.volume) && name.toString() === basename(pointer.staging)
}

/** What missing rights or a mount answer; the rest goes on. */
function isRefusal(error: unknown): boolean {
  return ['EPERM', 'EACCES', 'EXDEV', 'EBUSY', 'ETXTBSY', 'EROFS', 'ELOOP', 'ENOTDIR'].includes(
    errnoOf(error) ?? '',
  )
}

function fault(placing: Placing, path: Buffer, message: string): void {
  placing.faults++
  placing.onWarning({ severity: 'fault', path, message })
}

async function placeOne(placing: Placing, { from, to, path: folder }: Pair, name: Buffer): Promise<void> {
  const path = joinPath(folder, name)
  const staged = lookUp(from, name)
  if (!staged) return
  const there = lookUp(to, name)
  if (!there) return moveWithoutReplacing({ folder: from, name }, { folder: to, name })
  if (staged.isDirectory() && there.isDirectory()) return mergeFolder(placing, { from, to, path }, name)
  if (!staged.isDirectory() && !there.isDirectory()) return renameSync(from.at(name), to.at(name))
  if (!placing.isChosen(path))
    return fault(placing, path, 'is no directory in the volume, so what is to be in it was left out')
  if (!replace(placing, { from, to, wasFolder: there.isDirectory() }, name))
    fault(placing, path, 'is a directory in the volume that holds something: it was left alone')
}

async function mergeFolder(placing: Placing, { from, to, path }: Pair, name: Buffer): Promise<void> {
  await using staged = await openFolder(from.at(name))
  await using there = await openFolder(to.at(name))
  if (!isOnSameMount(there, placing.folders.volume))
    return fault(placing, path, 'is a mount point in the volume: what is mounted there was left alone')
  const metadata = readRoot(staged)
  await staged.chmod(0o700)
  await placeAll(placing, { from: staged, to: there, path })
  if (placing.isChosen(path)) await applyRoot(there, metadata, (message) => fault(placing, path, message))
}

interface Exchange extends Omit<Pair, 'path'> {
  wasFolder: boolean
}

/**
 * A directory in the place of something else, which goes to the old side; or the other way round. False, with all as
 * it was, where the directory holds something.
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
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** False where the file system, or this machine, cannot do it. */
function exchange(from: Folder, to: Folder, name: Buffer): boolean {
  try {
    const kernel = loadKernel()
    kernel?.renameat2({ dir: from.fd, name }, { dir: to.fd, name }, 'exchange')
    return kernel !== undefined
  } catch (error) {
    if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOSYS') return false
    throw error
  }
}

async function emptyOld({ folders, onWarning }: Placing): Promise<void> {
  try {
    await emptyFolder(folders.old)
  } catch (error) {
    const message = `what was in the way could not be removed (${messageOf(error)})`
    onWarning({ severity: 'note', path: Buffer.alloc(0), message })
  }
}
