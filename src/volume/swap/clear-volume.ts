import { type BigIntStats, constants, fstatSync, rmdirSync, unlinkSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { joinPath } from '../tree/join-path.ts'
import { removeOtherXattrs } from '../tree/write.ts'
import { isRefusal } from '../tree/write-errors.ts'
import {
  breather,
  type Folder,
  type Identity,
  isOnSameMount,
  openFolder,
  statEntry,
  streamNames,
} from './folder.ts'
import { isStagingName } from './staging-folders.ts'
import { unprotectOpen, withoutProtection } from './unprotect.ts'

export interface Clearing {
  volume: Folder
  /** The new content. Directories that both have are kept, to keep their inodes and quota projects. */
  wanted: Folder
  /** The name of the staging folder if it is inside the volume; it is kept. */
  own: string | null
  /** The folders that are being copied from; kept even if they were renamed. */
  held: readonly Identity[]
  signal: AbortSignal
  onPath(path: Buffer): void
}

/**
 * Removes everything in a volume except wanted directories. Those lose their extended attributes, such as default ACLs
 * that new content would inherit. Mounts are not entered, links not followed. What cannot be removed stays;
 * `removeUnwanted` reports it.
 */
export async function clearVolume(clearing: Clearing): Promise<void> {
  await clear({ ...clearing, mayStay: () => false, breathe: breather(), refuse: () => {} })
}

export interface Unwanted {
  removed(path: Buffer): void
  /** `reason` is the end of a sentence. */
  refused(path: Buffer, reason: string): void
}

/** After the copy: removes what the new content does not have as the same kind. Keeps the times of directories. */
export async function removeUnwanted(clearing: Clearing, { removed, refused }: Unwanted): Promise<void> {
  await clear({ ...clearing, mayStay: isSameKind, breathe: breather(), refuse: refused, removed })
}

interface Pass extends Clearing {
  mayStay(there: BigIntStats, wanted: BigIntStats): boolean
  breathe(): Promise<void>
  refuse(path: Buffer, reason: string): void
  /** Only set in the pass of `removeUnwanted`. */
  removed?(path: Buffer): void
}

interface ClearedPair {
  there: Folder
  /** Undefined if the new content does not have this directory. */
  wanted: Folder | undefined
  path: Buffer
}

function clear(pass: Pass): Promise<void> {
  return clearFolder(pass, { there: pass.volume, wanted: pass.wanted, path: Buffer.alloc(0) })
}

async function clearFolder(pass: Pass, pair: ClearedPair): Promise<void> {
  const { mtimeNs } = fstatSync(pair.there.fd, { bigint: true })
  for await (const name of streamNames(pair.there)) {
    await pass.breathe()
    pass.signal.throwIfAborted()
    if (pair.path.length === 0 && isStaging(pass, name)) continue
    const path = joinPath(pair.path, name)
    pass.onPath(path)
    try {
      await clearName(pass, { ...pair, path }, name)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue
      if (!isRefusal(error) && !MAY_STAY.has(errnoOf(error) ?? '')) throw error
      pass.refuse(path, `could not be removed (${errnoOf(error)})`)
    }
  }
  if (pass.removed) loadKernel()?.futimens(pair.there.fd, { mtimeNs })
}

/** True for our own staging folder, and for that of another recover unless the backup has an entry of this name. */
export function isStaging({ own, wanted }: Pick<Clearing, 'own' | 'wanted'>, name: Buffer): boolean {
  return name.toString() === own || (isStagingName(name) && !statEntry(wanted, name))
}

/** Errors if a process changed the name or its content meanwhile, or if something is mounted there. */
const MAY_STAY = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EBUSY', 'EXDEV'])

async function clearName(pass: Pass, pair: ClearedPair, name: Buffer): Promise<void> {
  const { there, wanted, path } = pair
  const found = statEntry(there, name)
  if (!found) return
  if (pass.held.some(({ device, inode }) => device === found.dev && inode === found.ino))
    throw Object.assign(new Error('EBUSY: it is the staging folder'), { code: 'EBUSY' })
  const twin = wanted && statEntry(wanted, name)
  if (found.isDirectory())
    return await clearDirectory(pass, pair, { name, stays: twin?.isDirectory() ?? false })
  if (twin && pass.mayStay(found, twin)) return
  const place = there.at(name)
  withoutProtection(place, () => unlinkSync(place))
  pass.removed?.(path)
}

async function clearDirectory(
  pass: Pass,
  { there, wanted, path }: ClearedPair,
  { name, stays }: { name: Buffer; stays: boolean },
): Promise<void> {
  {
    await using inner = await openFolder(there.at(name))
    if (!isOnSameMount(inner, pass.volume))
      throw Object.assign(new Error('EXDEV: something is mounted in it'), { code: 'EXDEV' })
    const isFirstPass = !pass.removed
    if (isFirstPass || !stays) await makeWritable(inner)
    await using twin = stays && wanted ? await openFolder(wanted.at(name)) : null
    await clearFolder(pass, { there: inner, wanted: twin ?? undefined, path })
    if (isFirstPass) removeOtherXattrs(inner.fd, { xattrs: [] })
  }
  if (stays) return
  rmdirSync(there.at(name))
  pass.removed?.(path)
}

async function makeWritable(folder: Folder): Promise<void> {
  unprotectOpen(folder.fd)
  await folder.chmod(0o700)
}

function isSameKind(there: BigIntStats, wanted: BigIntStats): boolean {
  const kind = BigInt(constants.S_IFMT)
  return (there.mode & kind) === (wanted.mode & kind)
}
