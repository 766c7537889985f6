import type { PackUse } from './pack-use.ts'

export interface ChooseOptions {
  /** Unused bytes that may stay, as a share of those in use: what is moved for less is not worth it. */
  maxUnused: number
  /** Bytes moved in one go. */
  sliceBytes: number
  /** Packs that cannot be moved, by number. */
  skip: ReadonlySet<number>
}

/** Packs of a run that had little to say. So many of them are put together. */
const SMALL = 4 * 1024 * 1024
const MANY_SMALL = 64
/** Deleted in one go. */
const MOST_UNUSED = 4096

/**
 * The packs to be rid of next: those nothing needs; then those with the largest share of waste, until what is left is
 * within the limit; then small ones, where there are many. Empty where nothing is worth doing.
 */
export function choosePacks(uses: readonly PackUse[], options: ChooseOptions): PackUse[] {
  const unused = uses.filter(({ usedBytes }) => usedBytes === 0)
  if (unused.length > 0) return unused.slice(0, MOST_UNUSED)
  const movable = uses.filter(({ pack }) => !options.skip.has(pack))
  const wasteful = chooseWasteful(uses, movable, options)
  return wasteful.length > 0 ? wasteful : chooseSmall(movable, options)
}

function chooseWasteful(
  all: readonly PackUse[],
  movable: readonly PackUse[],
  { maxUnused, sliceBytes }: ChooseOptions,
): PackUse[] {
  let excess = sum(all, 'unusedBytes') - maxUnused * sum(all, 'usedBytes')
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

function chooseSmall(movable: readonly PackUse[], { sliceBytes }: ChooseOptions): PackUse[] {
  const small = movable.filter(({ usedBytes, unusedBytes }) => usedBytes + unusedBytes < SMALL)
  for (const holdsTrees of [true, false]) {
    const alike = small.filter((use) => use.holdsTrees === holdsTrees)
    if (alike.length < MANY_SMALL) continue
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
