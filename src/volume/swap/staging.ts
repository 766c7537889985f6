import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../held-volume.ts'
import { cleanUp, unprotectVolume } from './clean-up.ts'
import { type Folder, type Identity, openFolder, streamNames } from './folder.ts'
import { readKeptNotes } from './kept-note.ts'
import { type Pointer, readPointers, savePointer } from './pointer.ts'
import { readIdentity } from './seen-volume.ts'
import {
  isInside,
  isStagingName,
  makeStagingFolders,
  NEW_FOLDER,
  stagingPath,
  stagingPathInside,
  stagingPlace,
} from './staging-folders.ts'
import { explainRefusal, isRefusedRename, tryRenames } from './try-renames.ts'
import { readProtection } from './unprotect.ts'
import type { VolumeClaim } from './volume-claim.ts'

/** The folder a recover unpacks into before it changes the volume. */
export interface Staging extends AsyncDisposable {
  readonly dataDir: string
  readonly pointer: Pointer
  readonly volume: HeldVolume
  /** An empty directory to unpack into; valid while the staging is not disposed. */
  readonly target: string
  /** Identifies the staging folder, to notice if it is replaced. */
  readonly identity: Identity
  /** Why its content must be copied into the volume instead of renamed; null if it can be renamed. */
  readonly refusedRename: string | null
  /** Other staging folders beside or in the volume, which are not ours to remove. */
  readonly leftOver: string[]
}

export interface StagingPlan {
  rid: string
  /** The claimed volume, which need not exist yet. It must be held until the staging is disposed. */
  volume: HeldVolume
  /** True if only chosen files are recovered, so that the rest of the volume stays. */
  keepsOthers?: boolean
  /** Allows a copy in place if renames are refused. */
  mayCopy?: boolean
}

/**
 * Creates an empty staging folder, mode 0700, for a recover of the claimed volume. Its pointer is on disk before.
 * @throws CONFLICT if the volume is read-only or this rid already has a staging folder, VOLUME_LOCKED if another recover
 * of the volume is unfinished, SYSTEM_REFUSED if renames work neither from beside the volume nor from inside it
 */
export async function prepareStaging(claim: VolumeClaim, plan: StagingPlan): Promise<Staging> {
  if (!/^[\w-]{1,64}$/.test(plan.rid))
    throw new BackupdError('BAD_INPUT', `"${plan.rid}" is not the id of a record`)
  await refuseUnfinished(claim.dataDir, claim.volume)
  const { volume, rid } = plan
  const [usual, inside] = [stagingPath(volume, rid), stagingPathInside(volume, rid)]
  const refusedRename = (error: unknown) => {
    if (!plan.mayCopy || !isRefusedRename(error)) throw error
    return makeStaging(claim, { ...plan, staging: usual, refusedRename: `${error.facts.reason}` })
  }
  let firstRefusal: unknown
  try {
    return await makeStaging(claim, { ...plan, staging: usual })
  } catch (error) {
    firstRefusal = error
    // A quota project refuses renames from outside, but allows them from inside.
    const mayHelp = isRefusedRename(error) && error.facts.errno === 'EXDEV'
    if (!mayHelp || usual === inside) return await refusedRename(error)
  }
  return await makeStaging(claim, { ...plan, staging: inside }).catch((error: unknown) =>
    refusedRename(NO_ROOM_INSIDE.has(errnoOf(error) ?? '') ? firstRefusal : error),
  )
}

/** Errors of a full quota project. The copy checks whether there is room once the old content is gone. */
const NO_ROOM_INSIDE = new Set(['EDQUOT', 'ENOSPC'])

interface StagingToMake extends StagingPlan {
  /** The path of the staging folder. */
  staging: string
  /** Why renames were refused in an earlier attempt; they are not tried again. */
  refusedRename?: string
}

async function makeStaging({ dataDir }: VolumeClaim, plan: StagingToMake): Promise<Staging> {
  const { volume, staging, refusedRename = null } = plan
  const pointer = await planPointer(plan, staging)
  const place = stagingPlace(pointer, volume)
  if (existsSync(place)) throw alreadyExists(pointer)
  await savePointer(dataDir, pointer)
  try {
    if (pointer.protection && refusedRename !== null) await unprotectVolume(volume)
    await makeStagingFolders(place).catch((error: unknown) => {
      explainRefusal(`make the folder "${staging}"`, error)
      throw error
    })
    if (volume.exists && refusedRename === null) await tryRenamesFrom(place, plan)
    return { ...(await openStaging(dataDir, pointer, volume)), refusedRename }
  } catch (error) {
    await cleanUp(dataDir, pointer, volume)
    throw errnoOf(error) === 'EROFS' ? readOnly(volume.path, error) : error
  }
}

async function tryRenamesFrom(place: string, { volume, keepsOthers = false }: StagingPlan): Promise<void> {
  await using staging = await openFolder(place)
  await tryRenames({ volume, staging, name: basename(place), replacesAll: !keepsOthers })
}

/** @throws VOLUME_LOCKED if a recover of this volume stopped half way */
export async function refuseUnfinished(dataDir: string, volume: string): Promise<void> {
  const { pointers } = await readPointers(dataDir)
  const open = pointers.find(
    ({ volume: path, phase }) => path === volume && (phase === 'swap' || phase === 'copy'),
  )
  if (!open) return
  throw new BackupdError(
    'VOLUME_LOCKED',
    `A recover of "${volume}" stopped half way, see "${open.staging}": restart the daemon to settle it`,
    {
      facts: { journal: open.staging, rid: open.rid },
    },
  )
}

/** Removes the staging if the swap did not begin; otherwise swapIn has cleaned up, or left it for settleJournals. */
export async function discardStaging({ dataDir, pointer, volume }: Staging): Promise<void> {
  const { pointers } = await readPointers(dataDir)
  if (pointers.some(({ rid, phase }) => rid === pointer.rid && phase === 'staging'))
    await cleanUp(dataDir, pointer, volume)
}

async function planPointer({ rid, volume }: StagingPlan, staging: string): Promise<Pointer> {
  const nonce = randomBytes(16).toString('hex')
  const made = { format: 1, rid, phase: 'staging', volume: volume.path, staging, nonce } as const
  if (!volume.exists) return { ...made, inode: null, mtimeNs: null }
  await using folder = await openFolder(volume.place)
  const { inode, mtimeNs, seen } = readIdentity(folder)
  if (!isInside(staging, volume.path)) return { ...made, inode, mtimeNs: null, seen }
  return { ...made, inode, mtimeNs, seen, protection: readProtection(folder.fd) }
}

async function openStaging(
  dataDir: string,
  pointer: Pointer,
  volume: HeldVolume,
): Promise<Omit<Staging, 'refusedRename'>> {
  const leftOver = await listLeftovers(dataDir, volume)
  await using folder = await openFolder(stagingPlace(pointer, volume))
  const target = await openFolder(folder.at(NEW_FOLDER))
  return {
    dataDir,
    pointer,
    volume,
    target: target.self,
    identity: folder.identity,
    leftOver,
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  }
}

/**
 * Staging folders beside or in the volume without a pointer or a note: they belong to another data directory, or to someone
 * else.
 */
async function listLeftovers(dataDir: string, volume: HeldVolume): Promise<string[]> {
  const { pointers } = await readPointers(dataDir)
  const ours = [...pointers, ...(await readKeptNotes(dataDir))]
  const known = new Set(ours.map(({ staging }) => staging))
  const found: string[] = []
  const places = [{ path: dirname(volume.path), place: volume.parent }]
  if (volume.exists) places.push({ path: volume.path, place: volume.place })
  for (const { path, place } of places) {
    await using folder = await openFolder(place)
    for await (const name of stagingNames(folder)) {
      if (!known.has(`${path}/${name}`)) found.push(`${path}/${name}`)
    }
  }
  return found
}

async function* stagingNames(folder: Folder): AsyncGenerator<Buffer> {
  for await (const name of streamNames(folder)) if (isStagingName(name)) yield name
}

function alreadyExists({ staging }: Pointer): BackupdError {
  return new BackupdError('CONFLICT', `"${staging}" already exists: this recover ran before`)
}

function readOnly(volume: string, cause: unknown): BackupdError {
  return new BackupdError(
    'CONFLICT',
    `The volume "${volume}" is mounted read-only: mount it writable, then recover`,
    { cause },
  )
}
