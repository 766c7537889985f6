import { randomBytes } from 'node:crypto'
import { renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { succeedsSync } from '../../lib/tolerate.ts'
import {
  breather,
  type Folder,
  isEmpty,
  isOnSameMount,
  openFolder,
  statEntry,
  streamNames,
} from './folder.ts'
import { unprotectOpen, withoutProtection } from './unprotect.ts'

/**
 * Empties a folder of any depth and size without following links: subfolders that are not empty are moved to the top,
 * where the next round empties them. Mounts are not entered.
 * @throws the first error after everything else was removed; the signal's reason once aborted
 */
export async function emptyFolder(top: Folder, signal?: AbortSignal): Promise<void> {
  const sweep: Sweep = {
    top,
    signal,
    prefix: `.lifted-${randomBytes(8).toString('hex')}-`,
    lifted: 0,
    removed: 0,
    failure: undefined,
  }
  while (!(await isEmpty(top))) {
    sweep.removed = 0
    sweep.failure = undefined
    await removeOnce(sweep, top)
    if (sweep.removed === 0) throw sweep.failure ?? new Error('new files keep appearing in the folder')
  }
}

interface Sweep {
  top: Folder
  signal: AbortSignal | undefined
  prefix: string
  lifted: number
  removed: number
  failure: unknown
}

/** One round over `folder`: removes its files, and its subfolders together with the files directly in them. */
async function removeOnce(sweep: Sweep, folder: Folder): Promise<void> {
  const breathe = breather()
  for await (const name of streamNames(folder)) {
    await breathe()
    sweep.signal?.throwIfAborted()
    try {
      await removeEntry(sweep, folder, name)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') sweep.failure ??= error
    }
  }
}

async function removeEntry(sweep: Sweep, folder: Folder, name: Buffer): Promise<void> {
  const stats = statEntry(folder, name)
  if (!stats) return
  const place = folder.at(name)
  if (!stats.isDirectory()) withoutProtection(place, () => unlinkSync(place))
  else if (folder === sweep.top) await removeFolder(sweep, name)
  else if (!removeIfEmpty(folder, name)) await lift(sweep, folder, name)
  sweep.removed++
}

async function removeFolder(sweep: Sweep, name: Buffer): Promise<void> {
  if (removeIfEmpty(sweep.top, name)) return
  await using inner = await openFolder(sweep.top.at(name))
  if (!isOnSameMount(inner, sweep.top)) throw new Error('something is mounted in it')
  unprotectOpen(inner.fd)
  await inner.chmod(0o700)
  await removeOnce(sweep, inner)
  rmdirSync(sweep.top.at(name))
}

function removeIfEmpty(folder: Folder, name: Buffer): boolean {
  const remove = () => withoutProtection(folder.at(name), () => rmdirSync(folder.at(name)))
  return succeedsSync(['ENOTEMPTY', 'EEXIST'], remove)
}

/** Moves a subfolder to the top, so that neither the depth nor the length of paths has a limit. */
async function lift(sweep: Sweep, folder: Folder, name: Buffer): Promise<void> {
  {
    await using inner = await openFolder(folder.at(name))
    if (!isOnSameMount(inner, sweep.top)) throw new Error('something is mounted in it')
    unprotectOpen(inner.fd)
    await inner.chmod(0o700)
  }
  renameSync(folder.at(name), sweep.top.at(`${sweep.prefix}${sweep.lifted++}`))
}
