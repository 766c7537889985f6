import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { cleanUp } from './clean-up.ts'
import { type Folder, type Identity, namesIn, openFolder } from './folder.ts'
import { type Pointer, readPointers, savePointer } from './pointer.ts'
import { isInside, isStagingName, makeStagingFolders, NEW, stagingPath } from './staging-folders.ts'
import type { VolumeClaim } from './volume-claim.ts'

/** Where a recover unpacks before the volume is touched. */
export interface Staging extends AsyncDisposable {
  readonly dataDir: string
  readonly pointer: Pointer
  /** An empty directory to unpack into; valid while the staging is not disposed. */
  readonly target: string
  /** The staging folder itself, to know it again. */
  readonly identity: Identity
  /** Staging folders that lie here and are not ours to remove. */
  readonly leftOver: string[]
}

export interface StagingPlan {
  rid: string
  /** False where the volume is to be made. */
  exists: boolean
}

/**
 * Makes an empty staging folder, 0700, for a recover of the claimed volume; what leads to it is on disk before.
 * @throws CONFLICT where the volume is read-only or this rid has one, VOLUME_LOCKED where another recover is unfinished
 */
export async function prepareStaging(claim: VolumeClaim, plan: StagingPlan): Promise<Staging> {
  if (!/^[\w-]{1,64}$/.test(plan.rid))
    throw new BackupdError('BAD_INPUT', `"${plan.rid}" is no id of a record`)
  await refuseUnfinished(claim.dataDir, claim.volume)
  const pointer = await planPointer(claim.volume, plan)
  if (existsSync(pointer.staging)) throw inTheWay(pointer)
  await savePointer(claim.dataDir, pointer)
  try {
    await makeStagingFolders(pointer.staging)
    return await openStaging(claim.dataDir, pointer)
  } catch (error) {
    await cleanUp(claim.dataDir, pointer)
    throw errnoOf(error) === 'EROFS' ? readOnly(claim.volume, error) : error
  }
}

/** @throws VOLUME_LOCKED where a recover of this volume stopped half way. */
async function refuseUnfinished(dataDir: string, volume: string): Promise<void> {
  const { pointers } = await readPointers(dataDir)
  const open = pointers.find((pointer) => pointer.volume === volume && pointer.phase === 'swap')
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
export async function discardStaging({ dataDir, pointer }: Staging): Promise<void> {
  const { pointers } = await readPointers(dataDir)
  if (pointers.some(({ rid, phase }) => rid === pointer.rid && phase === 'staging'))
    await cleanUp(dataDir, pointer)
}

async function planPointer(volume: string, { rid, exists }: StagingPlan): Promise<Pointer> {
  const staging = stagingPath(volume, rid, exists)
  const stats = exists ? await stat(volume, { bigint: true }) : undefined
  const mtimeNs = stats && isInside(staging, volume) ? String(stats.mtimeNs) : null
  return {
    format: 1,
    rid,
    phase: 'staging',
    volume,
    inode: stats ? String(stats.ino) : null,
    staging,
    mtimeNs,
  }
}

async function openStaging(dataDir: string, pointer: Pointer): Promise<Staging> {
  const leftOver = await findLeftOver(dataDir, pointer)
  await using folder = await openFolder(pointer.staging)
  const target = await openFolder(folder.at(NEW))
  return {
    dataDir,
    pointer,
    target: target.self,
    identity: folder.identity,
    leftOver,
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  }
}

/** Staging folders beside the volume or in it that no pointer names: somebody else's, or from another data directory. */
async function findLeftOver(dataDir: string, { volume, inode }: Pointer): Promise<string[]> {
  const known = new Set((await readPointers(dataDir)).pointers.map((pointer) => pointer.staging))
  const found: string[] = []
  for (const path of inode === null ? [dirname(volume)] : [dirname(volume), volume]) {
    await using folder = await openFolder(path)
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
