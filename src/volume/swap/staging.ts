import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import type { HeldVolume } from '../held-volume.ts'
import { cleanUp, unprotectVolume } from './clean-up.ts'
import { type Folder, type Identity, namesIn, openFolder } from './folder.ts'
import { type Pointer, readPointers, savePointer } from './pointer.ts'
import { seeVolume } from './seen-volume.ts'
import {
  isInside,
  isStagingName,
  makeStagingFolders,
  NEW,
  stagingPath,
  stagingPathInside,
  stagingPlace,
} from './staging-folders.ts'
import { explainRefusal, isRefusedRename, tryRenames } from './try-renames.ts'
import { protectionOf } from './unprotect.ts'
import type { VolumeClaim } from './volume-claim.ts'

/** Where a recover unpacks before the volume is touched. */
export interface Staging extends AsyncDisposable {
  readonly dataDir: string
  readonly pointer: Pointer
  readonly volume: HeldVolume
  /** An empty directory to unpack into; valid while the staging is not disposed. */
  readonly target: string
  /** The staging folder itself, to know it again. */
  readonly identity: Identity
  /** Why its content must be copied into the volume, since it cannot be moved; null if it can. */
  readonly refusedRename: string | null
  /** Staging folders that lie here and are not ours to remove. */
  readonly leftOver: string[]
}

export interface StagingPlan {
  rid: string
  /** The claimed volume; if it does not exist it is to be made. It must be held until the staging is disposed. */
  volume: HeldVolume
  /** What is in the volume and not staged stays: names are put in place one by one. */
  keepsOthers?: boolean
  /** If renames are refused, the content will be copied in place. */
  mayCopy?: boolean
}

/**
 * Makes an empty staging folder, 0700, for a recover of the claimed volume; what leads to it is on disk before.
 * @throws CONFLICT where the volume is read-only or this rid has one, VOLUME_LOCKED where another recover is unfinished,
 * SYSTEM_REFUSED if neither beside the volume nor inside it renames would do
 */
export async function prepareStaging(claim: VolumeClaim, plan: StagingPlan): Promise<Staging> {
  if (!/^[\w-]{1,64}$/.test(plan.rid))
    throw new BackupdError('BAD_INPUT', `"${plan.rid}" is no id of a record`)
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
    // A quota project lets nothing in from outside, and everything from within.
    const mayHelp = isRefusedRename(error) && error.facts.errno === 'EXDEV'
    if (!mayHelp || usual === inside) return await refusedRename(error)
  }
  return await makeStaging(claim, { ...plan, staging: inside }).catch((error: unknown) =>
    refusedRename(NO_ROOM_INSIDE.has(errnoOf(error) ?? '') ? firstRefusal : error),
  )
}

/** What a project whose quota is used up answers; the copy tells whether there is room once the old content is gone. */
const NO_ROOM_INSIDE = new Set(['EDQUOT', 'ENOSPC'])

interface StagingToMake extends StagingPlan {
  /** Its path. */
  staging: string
  /** Renames were tried in vain: they are not tried again. */
  refusedRename?: string
}

async function makeStaging({ dataDir }: VolumeClaim, plan: StagingToMake): Promise<Staging> {
  const { volume, staging, refusedRename = null } = plan
  const pointer = await planPointer(plan, staging)
  const place = stagingPlace(pointer, volume)
  if (existsSync(place)) throw inTheWay(pointer)
  await savePointer(dataDir, pointer)
  try {
    if (pointer.protection && refusedRename !== null) await unprotectVolume(volume)
    await makeStagingFolders(place).catch((error: unknown) => {
      explainRefusal(`make the folder "${staging}"`, error)
      throw error
    })
    if (volume.exists && refusedRename === null) await tryAt(place, plan)
    return { ...(await openStaging(dataDir, pointer, volume)), refusedRename }
  } catch (error) {
    await cleanUp(dataDir, pointer, volume)
    throw errnoOf(error) === 'EROFS' ? readOnly(volume.path, error) : error
  }
}

async function tryAt(place: string, { volume, keepsOthers = false }: StagingPlan): Promise<void> {
  await using staging = await openFolder(place)
  await tryRenames({ volume, staging, name: basename(place), replacesAll: !keepsOthers })
}

/** @throws VOLUME_LOCKED where a recover of this volume stopped half way. */
async function refuseUnfinished(dataDir: string, volume: string): Promise<void> {
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

/** Takes the staging away again where the swap did not begin; otherwise swapIn has cleaned up, or left it to be settled. */
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
  const { inode, mtimeNs, seen } = seeVolume(folder)
  if (!isInside(staging, volume.path)) return { ...made, inode, mtimeNs: null, seen }
  return { ...made, inode, mtimeNs, seen, protection: protectionOf(folder.fd) }
}

async function openStaging(
  dataDir: string,
  pointer: Pointer,
  volume: HeldVolume,
): Promise<Omit<Staging, 'refusedRename'>> {
  const leftOver = await findLeftOver(dataDir, volume)
  await using folder = await openFolder(stagingPlace(pointer, volume))
  const target = await openFolder(folder.at(NEW))
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

/** Staging folders beside the volume or in it that no pointer names: somebody else's, or from another data directory. */
async function findLeftOver(dataDir: string, volume: HeldVolume): Promise<string[]> {
  const known = new Set((await readPointers(dataDir)).pointers.map((pointer) => pointer.staging))
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
  for await (const name of namesIn(folder)) if (isStagingName(name)) yield name
}

function inTheWay({ staging }: Pointer): BackupdError {
  return new BackupdError('CONFLICT', `"${staging}" is there already: this recover ran before`)
}

function readOnly(volume: string, cause: unknown): BackupdError {
  return new BackupdError(
    'CONFLICT',
    `The volume "${volume}" is mounted read-only: mount it writable, then recover`,
    { cause },
  )
}
