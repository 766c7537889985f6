// Frees the space of blobs that no snapshot needs any more. forget.ts deletes snapshots; prune.ts then removes packs in
// short slices under an exclusive lock, so that backups can run in between. Crash-safe at any moment: blobs are first
// copied to new packs, then the index is rewritten, then old packs are deleted. src/store/kinds/series uses it.
// It knows nothing about retention: the caller decides which snapshots to forget.

import { messageOf } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import { findLocked } from '../../objects/object-lock.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { Lock } from '../repository/held-lock.ts'
import { packName, sweepTemporary } from '../repository/layout.ts'
import type { Repository } from '../repository/repository.ts'
import { type ChooseOptions, choosePacks, estimateFreed } from './choose-packs.ts'
import { measurePacks, type PackUse } from './pack-use.ts'
import { pruneSlice, type SliceTask } from './prune-slice.ts'
import { findUnknownPacks } from './stored-packs.ts'
import { UsedBlobs } from './used-blobs.ts'

/** A lock from lockRepository(), held until it is disposed. */
export type PruneLock = Pick<Lock, 'signal' | 'assertHeld' | typeof Symbol.asyncDispose>

/** Locks the repository. Waits for a while, then throws REPOSITORY_LOCKED with the holder. */
export type AcquireLock = (how: { exclusive: boolean }) => Promise<PruneLock>

export interface PruneOptions {
  acquireLock: AcquireLock
  signal: AbortSignal
  /** Called between two slices, so that waiting backups get the lock first. */
  pause(): Promise<void>
  /** Called when a slice knows what there is to do, and after it. */
  onProgress?(progress: PruneProgress): void
  /** Unused bytes that may stay, as a share of those in use; default 0.05. */
  maxUnused?: number
  /** Bytes moved under one lock; default 64 MiB. */
  sliceBytes?: number
}

export interface PruneProgress {
  bytesFreed: number
  /** An estimate of `bytesFreed` at the end. */
  bytesExpected: number
}

export interface PruneSummary {
  packsRemoved: number
  bytesFreed: number
  bytesMoved: number
  /** Unneeded bytes that stay, because moving the rest of their packs is not worth it. */
  bytesUnused: number
  /** Packs that stay because the store keeps them from being deleted. A later prune removes them. */
  packsLocked: number
}

const MAX_UNUSED_SHARE = 0.05
const SLICE_BYTES = 64 * 1024 * 1024

interface Prune {
  repository: Repository
  options: PruneOptions
  summary: PruneSummary
  /** Damaged and locked packs, by number; they are left as they are. */
  skip: Set<number>
  /** Names of packs that the store locks. */
  locked: Set<string>
}

/**
 * Frees the space of blobs that no snapshot needs. Finds the needed blobs while backups may run; removes packs in short
 * slices under an exclusive lock, each of which first marks the blobs of new snapshots.
 * Throws REPOSITORY_LOCKED; REPOSITORY_DAMAGED and SNAPSHOT_CORRUPT before anything is removed; the signal's reason.
 * May be interrupted at any moment; the next prune continues.
 */
export async function prune(repository: Repository, options: PruneOptions): Promise<PruneSummary> {
  const summary = { packsRemoved: 0, bytesFreed: 0, bytesMoved: 0, bytesUnused: 0, packsLocked: 0 }
  const run: Prune = { repository, options, summary, skip: new Set(), locked: new Set() }
  let used = await findUsed(run)
  for (let more = true; more; ) {
    options.signal.throwIfAborted()
    ;[used, more] = await slice(run, used)
    if (more) await options.pause()
  }
  return summary
}

/** Runs one slice. Returns the used blobs, and whether there is more to do. */
async function slice(run: Prune, known: UsedBlobs): Promise<[UsedBlobs, boolean]> {
  const { repository, options } = run
  await using lock = await options.acquireLock({ exclusive: true })
  const index = await repository.loadIndex()
  // If another process pruned meanwhile, the index is a new one, and the used blobs must be found again.
  const used = index === known.index ? known : renew(run, index)
  return [used, await pruneLocked(run, used, lock)]
}

/** The long part, under a shared lock: backups may run, but no pack is removed meanwhile. */
async function findUsed({ repository, options }: Prune): Promise<UsedBlobs> {
  await using lock = await options.acquireLock({ exclusive: false })
  const used = new UsedBlobs(repository, await repository.loadIndex())
  await used.markSnapshots(AbortSignal.any([options.signal, lock.signal]))
  return used
}

function renew(run: Prune, index: BlobIndex): UsedBlobs {
  run.skip.clear()
  return new UsedBlobs(run.repository, index)
}

/** Returns whether there is more to do. */
async function pruneLocked(run: Prune, used: UsedBlobs, lock: PruneLock): Promise<boolean> {
  const { repository, options, summary } = run
  const signal = AbortSignal.any([options.signal, lock.signal])
  await used.markSnapshots(signal)
  const uses = measurePacks(used)
  const unknown = await findUnknownPacks(repository, used, uses)
  const unknownBytes = unknown.reduce((sum, { size }) => sum + size, 0)
  const bytesExpected = summary.bytesFreed + unknownBytes + estimateFreed(uses, chooseOptions(run))
  options.onProgress?.({ bytesFreed: summary.bytesFreed, bytesExpected })
  await lock.assertHeld()
  // These deletes need no space, so they come first in case the store is full.
  await sweepTemporary(repository.place)
  for (const { id, size } of await leaveOutLockedPacks(run, unknown)) {
    await repository.removePack(id)
    countStep()
    summary.packsRemoved++
    summary.bytesFreed += size
  }
  const victims = await chooseDeletable(run, used, uses)
  if (victims.length > 0)
    await removePacks(run, used, { victims, signal, assertHeld: () => lock.assertHeld() })
  // Nothing to remove: merges small index files if there are many.
  else await repository.dropFromIndex(new Set())
  summary.bytesUnused = measurePacks(used).reduce((sum, { unusedBytes }) => sum + unusedBytes, 0)
  options.onProgress?.({
    bytesFreed: summary.bytesFreed,
    bytesExpected: Math.max(bytesExpected, summary.bytesFreed),
  })
  return victims.length > 0
}

/** Chooses packs, none of which the store locks: to move their blobs would take room instead of freeing it. */
async function chooseDeletable(run: Prune, used: UsedBlobs, uses: readonly PackUse[]): Promise<PackUse[]> {
  for (;;) {
    const chosen = choosePacks(uses, chooseOptions(run))
    const packs = chosen.map((use) => ({ use, id: used.index.packId(use.pack) }))
    const free = await leaveOutLockedPacks(run, packs)
    if (free.length === chosen.length) return chosen
    const isFree = new Set(free.map(({ id }) => id))
    for (const { use, id } of packs) if (!isFree.has(id)) run.skip.add(use.pack)
  }
}

function chooseOptions({ options, skip }: Prune): ChooseOptions {
  const { maxUnused = MAX_UNUSED_SHARE, sliceBytes = SLICE_BYTES } = options
  return { maxUnused, sliceBytes, skip }
}

async function leaveOutLockedPacks<Pack extends { id: string }>(run: Prune, packs: Pack[]): Promise<Pack[]> {
  const { place } = run.repository
  const asked = packs.filter(({ id }) => !run.locked.has(id))
  const found = await findLocked(
    place.driver,
    asked.map(({ id }) => packName(place, id)),
  )
  for (const { id } of asked) if (found.has(packName(place, id))) run.locked.add(id)
  run.summary.packsLocked = run.locked.size
  return packs.filter(({ id }) => !run.locked.has(id))
}

async function removePacks(
  { repository, summary, skip }: Prune,
  used: UsedBlobs,
  task: SliceTask,
): Promise<void> {
  const { packsRemoved, bytesFreed, bytesMoved, damaged } = await pruneSlice(repository, used, task)
  summary.packsRemoved += packsRemoved
  summary.bytesFreed += bytesFreed
  summary.bytesMoved += bytesMoved
  for (const [pack, error] of damaged) {
    skip.add(pack)
    repository.warn(`The pack ${used.index.packId(pack)} stays as it is: ${messageOf(error)}`)
  }
}
