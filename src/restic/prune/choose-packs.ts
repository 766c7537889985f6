import type { PackUse } from './pack-use.ts'

export interface ChooseOptions {
  /** Unused bytes that may stay, as a share of those in use. */
  maxUnused: number
  /** The most bytes to move in one slice. */
  sliceBytes: number
  /** Packs that cannot be moved or deleted, by number. */
  skip: ReadonlySet<number>
}

/** Smaller packs, from short runs, are merged if there are at least MIN_SMALL_PACKS of them. */
const MAX_SMALL_PACK_BYTES = 4 * 1024 * 1024
const MIN_SMALL_PACKS = 64
/** The most unused packs to delete in one slice. */
const MAX_UNUSED_PACKS = 4096

/**
 * Chooses the packs to remove next: unused ones; then those with the largest share of waste, until the rest is within
 * the limit; then small ones, if there are many. Empty if nothing is worth the work.
 */
export function choosePacks(uses: readonly PackUse[], options: ChooseOptions): PackUse[] {
  const unused = uses.filter(({ pack, usedBytes }) => usedBytes === 0 && !options.skip.has(pack))
  if (unused.length > 0) return unused.slice(0, MAX_UNUSED_PACKS)
  const movable = uses.filter(({ pack }) => !options.skip.has(pack))
  const wasteful = chooseWasteful(uses, movable, options)
  return wasteful.length > 0 ? wasteful : chooseSmall(movable, options)
}

function chooseWasteful(
  all: readonly PackUse[],
  movable: readonly PackUse[],
  { maxUnused, sliceBytes }: ChooseOptions,
): PackUse[] {
  let excess = measureExcess(all, maxUnused)
  const chosen: PackUse[] = []
  let moved = 0
  for (const use of movable.toSorted((a, b) => waste(b) - waste(a))) {
    if (excess <= 0 || use.unusedBytes === 0 || (chosen.length > 0 && moved + use.usedBytes > sliceBytes))
      break
    chosen.push(use)
    excess -= use.unusedBytes
    moved += use.usedBytes
  }
  return chosen
}

/** Unused bytes beyond those that may stay; 0 or less if all may. */
function measureExcess(uses: readonly PackUse[], maxUnused: number): number {
  return sum(uses, 'unusedBytes') - maxUnused * sum(uses, 'usedBytes')
}

/** Estimates how many bytes are freed until nothing is worth the work: packs are removed whole, so it may be some more. */
export function estimateFreed(uses: readonly PackUse[], { maxUnused, skip }: ChooseOptions): number {
  const movable = uses.filter(({ pack }) => !skip.has(pack))
  const unused = movable.filter(({ usedBytes }) => usedBytes === 0)
  const excess = Math.min(measureExcess(uses, maxUnused), sum(movable, 'unusedBytes'))
  return Math.ceil(Math.max(sum(unused, 'unusedBytes'), excess, 0))
}

function chooseSmall(movable: readonly PackUse[], { sliceBytes }: ChooseOptions): PackUse[] {
  const small = movable.filter(({ usedBytes, unusedBytes }) => usedBytes + unusedBytes < MAX_SMALL_PACK_BYTES)
  for (const holdsTrees of [true, false]) {
    const alike = small.filter((use) => use.holdsTrees === holdsTrees)
    if (alike.length < MIN_SMALL_PACKS) continue
    let moved = 0
    return alike.filter(({ usedBytes }) => {
      moved += usedBytes
      return moved <= sliceBytes
    })
  }
  return []
}

function waste({ usedBytes, unusedBytes }: PackUse): number {
  return unusedBytes / (usedBytes + unusedBytes)
}

function sum(uses: readonly PackUse[], key: 'usedBytes' | 'unusedBytes'): number {
  return uses.reduce((total, use) => total + use[key], 0)
}
