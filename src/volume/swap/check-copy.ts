import { mkdirSync, rmdirSync } from 'node:fs'
import { readFile, statfs } from 'node:fs/promises'
import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { MAX_CONCURRENT } from '../tree/inspector.ts'
import { joinPath } from '../tree/join-path.ts'
import { isStaging } from './clear-volume.ts'
import { countFreeDescriptors } from './descriptors.ts'
import { breather, type Folder, isOnSameMount, openFolder, statEntry, streamNames } from './folder.ts'
import { probeName } from './staging-folders.ts'
import type { SwapFolders } from './swap-folders.ts'
import { isProtected, unprotectOpen } from './unprotect.ts'

const OVERLAYFS = 0x794c7630
/** The bit in the capability masks of /proc/self/status. */
const CAP_LINUX_IMMUTABLE = 1n << 9n

export interface CopyChecks {
  /** The name of the staging folder. */
  staging: string
  signal: AbortSignal
  onPath(path: Buffer): void
}

/**
 * Checks before the first change of a copy in place that the volume can be written, that immutable and append-only
 * entries can be removed, and that the new content fits once the old content is gone.
 * @throws SYSTEM_REFUSED, NO_ROOM; at most metadata of the volume itself has changed then
 * @returns how many entries will be copied; undefined if it is not known
 */
export async function checkCopy(
  { volume, fresh }: SwapFolders,
  checks: CopyChecks,
): Promise<number | undefined> {
  const { staging, ...callbacks } = checks
  tryToWrite(volume, staging)
  const refuses = (await mayUnprotect()) ? undefined : refuseProtected
  if (!loadKernel()) return undefined
  const stays = (name: Buffer) => isStaging({ own: staging, wanted: fresh }, name)
  const held = { free: await countFreeDescriptors() }
  const old = { top: volume, stays, refuses, held: { ...held, inFolder: heldToClear } }
  const { bytes: freed } = await measure({ ...callbacks, ...old })
  const copied = { top: fresh, held: { ...held, inFolder: heldToCopy } }
  const { bytes: needed, entries } = await measure({ ...callbacks, ...copied })
  const { blocks, bavail, bsize, type } = await statfs(volume.self)
  if (blocks === 0) return entries
  // On overlayfs, deleting content of a lower layer frees no space.
  const free = bavail * bsize + (type === OVERLAYFS ? 0 : freed)
  if (needed <= free) return entries
  const message = `a copy in place needs ${needed} bytes besides the unpacked files, but only ${free} bytes are free once the old content is deleted. Free some space`
  throw new BackupdError('NO_ROOM', message, { facts: { needed, free, unit: 'bytes' } })
}

function tryToWrite(volume: Folder, staging: string): void {
  unprotectOpen(volume.fd)
  const probe = volume.at(probeName(staging))
  try {
    mkdirSync(probe, { mode: 0o700 })
    rmdirSync(probe)
  } catch (error) {
    throw refused('the volume cannot be written', errnoOf(error) ?? '', error)
  }
}

async function mayUnprotect(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'latin1')
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${mask}`) & CAP_LINUX_IMMUTABLE) !== 0n
}

function refuseProtected(folder: Folder, name: Buffer, path: Buffer): void {
  if (!isProtected(folder.at(name))) return
  const what = `"${bytesToText(path)}" is immutable or append-only, and the daemon may not change that`
  throw refused(`${what} (CAP_LINUX_IMMUTABLE). Remove the attribute (chattr -i -a)`, 'EPERM')
}

function tooDeep(free: number): BackupdError {
  const what = `its directories are nested so deeply that more than ${free} files would be open at once`
  return refused(`${what}. Raise the daemon's limit of open files (LimitNOFILE in its unit)`, 'EMFILE')
}

function refused(what: string, errno: string, cause?: unknown): BackupdError {
  const message = `nothing can be copied in place: ${what}${cause ? ` (${errno})` : ''}. Nothing was changed`
  return new BackupdError('SYSTEM_REFUSED', message, { facts: { errno }, cause })
}

/**
 * Descriptors that clearing keeps open for a folder: the folder, its listing, and its counterpart in the new
 * content.
 */
async function heldToClear(): Promise<number> {
  return 3
}

/** Descriptors that a sorted walk keeps open for a folder: the folder and the entries it opened ahead. */
async function heldToCopy(folder: Folder): Promise<number> {
  let count = 1
  for await (const _ of streamNames(folder)) if (++count > MAX_CONCURRENT) break
  return count
}

interface Measuring extends Omit<CopyChecks, 'staging'> {
  top: Folder
  /** Names at the top for which this is true are skipped. */
  stays?: (name: Buffer) => boolean
  /** Descriptors: how many may be open at once, and how many a folder needs while its subfolders are processed. */
  held: { free: number; inFolder(folder: Folder): Promise<number> }
  refuses?: ((folder: Folder, name: Buffer, path: Buffer) => void) | undefined
}

/** `bytes` is disk usage; each name of a hard link counts its share. */
async function measure(measuring: Measuring): Promise<{ bytes: number; entries: number }> {
  const { top, signal, onPath, stays, held, refuses } = measuring
  const breathe = breather()
  let bytes = 0
  let entries = 0
  const visit = async (folder: Folder, path: Buffer, open: number): Promise<void> => {
    const opened = open + (await held.inFolder(folder))
    if (opened > held.free) throw tooDeep(held.free)
    for await (const name of streamNames(folder)) {
      await breathe()
      signal.throwIfAborted()
      const stats = statEntry(folder, name)
      if (!stats || (path.length === 0 && stays?.(name))) continue
      entries++
      const inner = joinPath(path, name)
      onPath(inner)
      refuses?.(folder, name, inner)
      bytes += (Number(stats.blocks) * 512) / (stats.isDirectory() ? 1 : Number(stats.nlink))
      if (!stats.isDirectory()) continue
      await using below = await openFolder(folder.at(name))
      if (!isOnSameMount(below, top)) continue
      await visit(below, inner, opened)
    }
  }
  await visit(top, Buffer.alloc(0), 0)
  return { bytes: Math.ceil(bytes), entries }
}
