import { BackupdError } from '../../lib/errors.ts'
import type { Interruptible } from '../../lib/in-slices.ts'
import type { Schedule } from '../../lib/schedule/spec.ts'
import { listPlannedTimes, readDaemonSchedule } from './planned-times.ts'

/** Buckets of one length, one after the other. Unix ms, and ms. */
export interface BucketRow {
  from: number
  to: number
  lengthMs: number
}

/** Jobs with one schedule that are counted together. */
export interface SchedulesOfGroup {
  key: string
  spec: string
  /** Of a spec that names none; null: our own. */
  zone: string | null
  jobs: number
}

/** Each planned time of a schedule is computed once, however many jobs have it. */
const MAX_TIMES = 100_000

/** How many runs each group has planned in each bucket. Throws BAD_INPUT if there are too many to compute them. */
export function* countPlannedGroups(
  groups: readonly SchedulesOfGroup[],
  row: BucketRow,
): Interruptible<Map<string, Float64Array>> {
  const found = new Map<string, Float64Array>()
  const budget = { left: MAX_TIMES }
  const bySchedule = yield* groupBySchedule(groups)
  for (const [first, ...others] of bySchedule.values()) {
    if (!first) continue
    const counts = yield* countTimes(first, row, budget)
    for (const { key, jobs } of [first, ...others]) {
      addCounts(found, { key, counts, jobs })
      yield
    }
  }
  return found
}

function* groupBySchedule(
  groups: readonly SchedulesOfGroup[],
): Interruptible<Map<string, SchedulesOfGroup[]>> {
  const bySchedule = new Map<string, SchedulesOfGroup[]>()
  for (const group of groups) {
    const id = JSON.stringify([group.spec, group.zone])
    const same = bySchedule.get(id) ?? []
    same.push(group)
    bySchedule.set(id, same)
    yield
  }
  return bySchedule
}

export function countBuckets({ from, to, lengthMs }: BucketRow): number {
  return Math.ceil((to - from) / lengthMs)
}

function addCounts(
  found: Map<string, Float64Array>,
  { key, counts, jobs }: { key: string; counts: Float64Array; jobs: number },
): void {
  const sums = found.get(key) ?? new Float64Array(counts.length)
  found.set(key, sums)
  for (const [at, count] of counts.entries()) sums[at] = (sums[at] ?? 0) + count * jobs
}

function* countTimes(
  { spec, zone }: SchedulesOfGroup,
  row: BucketRow,
  budget: { left: number },
): Interruptible<Float64Array> {
  const schedule = readDaemonSchedule(spec, zone)
  const counts = new Float64Array(countBuckets(row))
  if (schedule?.kind === 'interval') countInterval(schedule, row, counts)
  if (schedule?.kind !== 'cron') return counts
  for (const at of listPlannedTimes(schedule, row.from - 1, row.to)) {
    budget.left -= 1
    if (budget.left < 0) throw tooMany(spec)
    const bucket = Math.floor((at - row.from) / row.lengthMs)
    counts[bucket] = (counts[bucket] ?? 0) + 1
    yield
  }
  return counts
}

/** Its times are the multiples of its length, so that they need not be listed. */
function countInterval(
  { everyMs }: Extract<Schedule, { kind: 'interval' }>,
  { from, to, lengthMs }: BucketRow,
  counts: Float64Array,
): void {
  const countBefore = (ms: number) => Math.ceil(ms / everyMs)
  for (const bucket of counts.keys()) {
    const begin = from + bucket * lengthMs
    counts[bucket] = countBefore(Math.min(begin + lengthMs, to)) - countBefore(begin)
  }
}

function tooMany(spec: string): BackupdError {
  const what = `There are more than ${MAX_TIMES} planned times between "from" and "to", such as those of "${spec}"`
  return new BackupdError('BAD_INPUT', `${what}: ask for a shorter time`, { facts: { spec } })
}
