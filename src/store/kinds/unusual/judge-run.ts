import { byteText } from '../../../lib/byte-counts.ts'
import { addRun, type Deviation, MEMORY_DAYS, type RunHistory, type RunNumbers } from './run-history.ts'

export interface JudgedRun {
  /** What is unusual, with the numbers; empty if the run is like those before it. */
  reasons: string[]
  /** With this run; the next one is compared with it. */
  history: RunHistory
}

/** Fewer say nothing about what is usual. */
const MIN_RUNS = 10
/** A smaller difference than this is never unusual: a volume with few files, or little content, varies a lot. */
const MIN_BYTES = 1024 * 1024
const MIN_FILES = 20
/** A run must be this many spreads from the middle of the runs before it, and outside of their range. */
const SPREADS = 5
const SPREADS_OUTSIDE = 2
/** Floors of the spread of sizes and counts, as logarithms: less than a fifth, and more than twelve times, of a steady volume. */
const MIN_SPREAD_DOWN = Math.log(5) / SPREADS
const MIN_SPREAD_UP = Math.log(12) / SPREADS
/** The same for the share of changed files. */
const MIN_SPREAD_OF_SHARE = 0.05
const MIN_SHARE = 0.8
const SHARE_OUTSIDE = 0.25
/** What happened this often within MEMORY_DAYS is a habit of the volume, such as a dump at night between hourly runs. */
const HABIT = 2

/**
 * Compares a run with the last twenty of the same mode. Whatever the volume does regularly is not unusual, also if that is
 * to rewrite every file.
 * @param day days since 1970, UTC
 */
export function judgeRun(run: RunNumbers, before: RunHistory, day: number): JudgedRun {
  const found = [...findDeviations(run, before.runs)]
  const isHabit = (wanted: Deviation) =>
    before.deviations.filter(
      ({ deviation, day: then }) => deviation === wanted && Math.abs(day - then) <= MEMORY_DAYS,
    ).length >= HABIT
  return {
    reasons: found.filter(({ deviation }) => !isHabit(deviation)).map(({ because }) => because),
    history: addRun(
      before,
      run,
      found.map(({ deviation }) => ({ deviation, day })),
    ),
  }
}

interface Found {
  deviation: Deviation
  because: string
}

function* findDeviations(run: RunNumbers, before: readonly RunNumbers[]): Generator<Found> {
  if (before.length < MIN_RUNS) return
  yield* findSizeChange(run.bytes, before)
  yield* findCountChange(run.files, before)
  yield* findRewrite(run, before)
}

function* findSizeChange(bytes: number, before: readonly RunNumbers[]): Generator<Found> {
  const compared = compare(
    bytes,
    before.map((each) => each.bytes),
    MIN_BYTES,
  )
  if (!compared) return
  const { isLess, median, count } = compared
  const numbers = `${byteText(bytes)}, and ${byteText(median)} in the middle of the ${count} runs before`
  const because = `its content is ${describeRatio(bytes, median, isLess ? 'smaller' : 'large')}: ${numbers}`
  yield { deviation: isLess ? 'smaller' : 'larger', because }
}

function* findCountChange(files: number, before: readonly RunNumbers[]): Generator<Found> {
  const compared = compare(
    files,
    before.map((each) => each.files),
    MIN_FILES,
  )
  if (!compared) return
  const { isLess, median, count } = compared
  const numbers = `${files}, and ${median} in the middle of the ${count} runs before`
  const because = `it has ${describeRatio(files, median, isLess ? 'fewer' : 'many')} files: ${numbers}`
  yield { deviation: isLess ? 'fewer' : 'more', because }
}

function describeRatio(now: number, usual: number, word: 'smaller' | 'fewer' | 'large' | 'many'): string {
  if (word === 'smaller' || word === 'fewer') return `${printPercent(1 - now / usual)} ${word}`
  const times = Math.round(now / Math.max(usual, 1))
  return `${times} times as ${word}`
}

/** @param least the smallest difference that counts. @returns undefined if the number is not unusual */
function compare(now: number, before: readonly number[], least: number) {
  const median = findMedian(before)
  const isLess = now < median
  if (Math.abs(now - median) < least) return undefined
  const logs = before.map(toLog)
  const spread = Math.max(findSpread(logs), isLess ? MIN_SPREAD_DOWN : MIN_SPREAD_UP)
  const sign = isLess ? -1 : 1
  // Mirrored for numbers that are too low, so that one comparison serves both.
  const fromMiddle = sign * (toLog(now) - toLog(median))
  const fromRange = Math.min(...logs.map((log) => sign * (toLog(now) - log)))
  const isFar = fromMiddle > SPREADS * spread && fromRange > SPREADS_OUTSIDE * spread
  return isFar ? { isLess, median, count: before.length } : undefined
}

/** The first run has no share, and runs of older versions do not either. */
function* findRewrite({ changed }: RunNumbers, before: readonly RunNumbers[]): Generator<Found> {
  const shares = before.flatMap((each) => each.changed ?? [])
  const files = before.at(-1)?.files ?? 0
  if (changed === null || shares.length < MIN_RUNS - 1 || changed * files < MIN_FILES) return
  const highest = Math.max(...shares)
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  const limit = mean + SPREADS * Math.max(findSpread(shares), MIN_SPREAD_OF_SHARE)
  if (changed < Math.max(MIN_SHARE, highest + SHARE_OUTSIDE, limit)) return
  const usual = `in the ${shares.length} runs before at most ${printPercent(highest)}`
  const because = `${printPercent(changed)} of the ${files} files have other content or are gone since the run before, ${usual}`
  yield { deviation: 'changed', because }
}

function findMedian(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}

/**
 * The standard deviation, which an earlier outlier makes larger: what happened before is less unusual. Of few values it
 * is often too small by chance, so it counts for more.
 */
function findSpread(values: readonly number[]): number {
  const { length } = values
  const mean = values.reduce((sum, value) => sum + value, 0) / length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (length - 1)
  return Math.sqrt(variance) * (1 + 5 / length)
}

function toLog(value: number): number {
  return Math.log(value + 1)
}

/** Never rounded up to everything. */
function printPercent(share: number): string {
  const percent = share >= 1 ? 100 : Math.min(Math.round(share * 100), 99)
  return `${percent} %`
}
