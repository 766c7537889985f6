import { messageOf } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { Lock } from '../repository/held-lock.ts'
import { sweepTemporary } from '../repository/layout.ts'
import type { Repository } from '../repository/repository.ts'
import { choosePacks } from './choose-packs.ts'
import { packUse } from './pack-use.ts'
import { pruneSlice, type SliceTask } from './prune-slice.ts'
import { unknownPacks } from './stored-packs.ts'
import { UsedBlobs } from './used-blobs.ts'

/** The repository's lock, held until disposed of, as lockRepository() gives it. */
export type HeldLock = Pick<Lock, 'signal' | 'assertHeld' | typeof Symbol.asyncDispose>

/** Waits for a while; throws REPOSITORY_LOCKED naming who holds it. */
export type TakeLock = (how: { exclusive: boolean }) => Promise<HeldLock>

export interface PruneOptions {
  takeLock: TakeLock
  signal: AbortSignal
  /** Between two slices, so that backups that wait for the lock get it first. */
  pause(): Promise<void>
  onProgress?(summary: Readonly<PruneSummary>): void
  /** Unused bytes that may stay, as a share of those in use; 0.05 unless given. */
  maxUnused?: number
  /** Bytes moved under one lock; 64 MiB unless given. */
  sliceBytes?: number
}

export interface PruneSummary {
  packsRemoved: number
  bytesFreed: number
  bytesMoved: number
  /** Bytes nothing needs that stay, since moving the rest of their packs is not worth it. */
  bytesUnused: number
}

const MAX_UNUSED = 0.05
const SLICE_BYTES = 64 * 1024 * 1024

interface Prune {
  repository: Repository
  options: PruneOptions
  summary: PruneSummary
  /** Packs with damage, by number: they stay as they are. */
  skip: Set<number>
}

/**
 * Gives back the room of what no snapshot needs. What is needed is found while backups run; packs go in short slices
 * under an exclusive lock, each of which first looks at the snapshots that came meanwhile.
 * Throws REPOSITORY_LOCKED; REPOSITORY_DAMAGED and SNAPSHOT_CORRUPT before anything is removed; the signal's reason.
 * Broken off at any moment, the next prune goes on.
 */
export async function prune(repository: Repository, options: PruneOptions): Promise<PruneSummary> {
  const summary = { packsRemoved: 0, bytesFreed: 0, bytesMoved: 0, bytesUnused: 0 }
  const run: Prune = { repository, options, summary, skip: new Set() }
  let used = await findUsed(run)
  for (let more = true; more; ) {
    options.signal.throwIfAborted()
    ;[used, more] = await slice(run, used)
    options.onProgress?.(summary)
    if (more) await options.pause()
  }
  return summary
}

/** Gives what is known to be used, and whether there is more to do. */
async function slice(run: Prune, known: UsedBlobs): Promise<[UsedBlobs, boolean]> {
  const { repository, options } = run
  await using lock = await options.takeLock({ exclusive: true })
  const index = await repository.loadIndex()
  // Where somebody else pruned meanwhile, what was found belongs to an index that is no more.
  const used = index === known.index ? known : renew(run, index)
  return [used, await pruneLocked(run, used, lock)]
}

/** The long part, beside running backups: no pack goes while this lock is held. */
async function findUsed({ repository, options }: Prune): Promise<UsedBlobs> {
  await using lock = await options.takeLock({ exclusive: false })
  const used = new UsedBlobs(repository, await repository.loadIndex())
  await used.markSnapshots(AbortSignal.any([options.signal, lock.signal]))
  return used
}

function renew(run: Prune, index: BlobIndex): UsedBlobs {
  run.skip.clear()
  return new UsedBlobs(run.repository, index)
}

/** Says whether there is more to do. */
async function pruneLocked(run: Prune, used: UsedBlobs, lock: HeldLock): Promise<boolean> {
  const { repository, options, summary, skip } = run
  const signal = AbortSignal.any([options.signal, lock.signal])
  await used.markSnapshots(signal)
  const uses = packUse(used)
  const unknown = await unknownPacks(repository, used, uses)
  await lock.assertHeld()
  // Neither takes any room, so these go first: there may be none.
  await sweepTemporary(repository.place)
  for (const { id } of unknown) {
    await repository.removePack(id)
    countStep()
  }
  summary.packsRemoved += unknown.length
  summary.bytesFreed += unknown.reduce((sum, { size }) => sum + size, 0)
  const { maxUnused = MAX_UNUSED, sliceBytes = SLICE_BYTES } = options
  const victims = choosePacks(uses, { maxUnused, sliceBytes, skip })
  if (victims.length > 0) await clear(run, used, { victims, signal, assertHeld: () => lock.assertHeld() })
  // The many small index files of runs that had little to say.
  else await repository.dropFromIndex(new Set())
  summary.bytesUnused = packUse(used).reduce((sum, { unusedBytes }) => sum + unusedBytes, 0)
  return victims.length > 0
}

async function clear({ repository, summary, skip }: Prune, used: UsedBlobs, task: SliceTask): Promise<void> {
  const { packsRemoved, bytesFreed, bytesMoved, damaged } = await pruneSlice(repository, used, task)
  summary.packsRemoved += packsRemoved
  summary.bytesFreed += bytesFreed
  summary.bytesMoved += bytesMoved
  for (const [pack, error] of damaged) {
    skip.add(pack)
    repository.warn(`The pack ${used.index.packId(pack)} stays as it is: ${messageOf(error)}`)
  }
}
