import { isoDay } from '../../lib/clock.ts'
import type { Interruptible } from '../../lib/in-slices.ts'
import { findInstant, offsetAt } from '../../lib/schedule/zone.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import type { ForgottenDay, SchedulePeriod, VolumeRun } from '../health-ports.ts'
import { listPlannedTimes, readDaemonSchedule } from './planned-times.ts'

export interface VolumeDay {
  /** `2026-01-31`. */
  date: string
  good: number
  partial: number
  failed: number
  /** null if the schedules plan too many runs to count them. */
  missed: number | null
  expected: number | null
}

export interface DayBounds {
  date: string
  /** Unix ms. */
  begin: number
  end: number
}

export interface DayFacts {
  /** Oldest first, without gaps. */
  days: readonly DayBounds[]
  /** The records of the volume in these days. */
  runs: readonly VolumeRun[]
  /** Counts of records that are no longer kept. */
  forgotten: readonly ForgottenDay[]
  periods: readonly SchedulePeriod[]
  /** Of periods whose zone was not known; null: our own. */
  zone: string | null
  /** Unix ms. */
  now: number
  /** A planned time without a run is missed only after this time. */
  graceMs: number
}

/** Planned times of a volume that are counted; `@every 1s` has more in a day. */
const MAX_PLANNED = 50_000
const FAILED: ReadonlySet<string> = new Set(['failed', 'cancelled', 'lost'])

/** The last `count` days until now in this zone, oldest first. */
export function listDays(count: number, zone: string, now: number): DayBounds[] {
  const today = Math.floor((now + offsetAt(zone, now)) / DAY_MS) * DAY_MS
  return Array.from({ length: count }, (_, at) => {
    const wall = today - (count - 1 - at) * DAY_MS
    return { date: isoDay(wall), begin: findInstant(zone, wall), end: findInstant(zone, wall + DAY_MS) }
  })
}

/** How the runs of each day ended, and at how many planned times nothing ran. */
export function* countDays(facts: DayFacts): Interruptible<VolumeDay[]> {
  const found = new Map(facts.days.map((day) => [day.date, newDay(day.date)]))
  const find = createFinder(facts.days, found)
  for (const { at, state } of facts.runs) addRuns(find(at), state, 1)
  for (const { day, state, count } of facts.forgotten) addRuns(found.get(day), state, count)
  const isCounted = yield* countPlanned(facts, find)
  for (const { day } of facts.forgotten) recountMissed(found.get(day))
  const days = [...found.values()].map(({ ran: _, ...day }) => day)
  return isCounted ? days : days.map((day) => ({ ...day, missed: null, expected: null }))
}

interface Counted extends VolumeDay {
  missed: number
  expected: number
  /** Runs of any state. */
  ran: number
}

function newDay(date: string): Counted {
  return { date, good: 0, partial: 0, failed: 0, missed: 0, expected: 0, ran: 0 }
}

function createFinder(days: readonly DayBounds[], found: ReadonlyMap<string, Counted>) {
  return (at: number): Counted | undefined => {
    let [low, high] = [0, days.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((days[middle]?.begin ?? 0) <= at) low = middle
      else high = middle - 1
    }
    const day = days[low]
    return day && at >= day.begin && at < day.end ? found.get(day.date) : undefined
  }
}

function addRuns(day: Counted | undefined, state: string, count: number): void {
  if (!day) return
  day.ran += count
  if (state === 'success') day.good += count
  else if (state === 'partial') day.partial += count
  else if (FAILED.has(state)) day.failed += count
}

/** @returns false if there are too many planned times */
function* countPlanned(facts: DayFacts, find: (at: number) => Counted | undefined): Interruptible<boolean> {
  const runs = Map.groupBy(facts.runs, ({ jobId }) => jobId)
  const first = facts.days[0]?.begin ?? facts.now
  let planned = 0
  for (const period of facts.periods) {
    const times =
      runs
        .get(period.jobId)
        ?.map(({ at }) => at)
        .sort((one, other) => one - other) ?? []
    let position = 0
    for (const [at, next] of listPairs(period, first, facts)) {
      planned += 1
      if (planned > MAX_PLANNED) return false
      yield
      const day = find(at)
      if (!day) continue
      day.expected += 1
      while ((times[position] ?? Number.POSITIVE_INFINITY) < at) position += 1
      const hasNone = (times[position] ?? Number.POSITIVE_INFINITY) >= next
      if (hasNone && at + facts.graceMs <= facts.now) day.missed += 1
    }
  }
  return true
}

/** The planned times of a period until now, each with the one after it. */
function* listPairs(
  { spec, zone, begin, end }: SchedulePeriod,
  first: number,
  facts: DayFacts,
): Generator<[number, number]> {
  const schedule = readDaemonSchedule(spec, zone ?? facts.zone)
  if (!schedule) return
  const last = Math.min(end ?? Number.POSITIVE_INFINITY, facts.now + 1)
  let before: number | undefined
  for (const at of listPlannedTimes(schedule, Math.max(begin, first - 1), Number.POSITIVE_INFINITY)) {
    if (before !== undefined) yield [before, at]
    if (at >= last) return
    before = at
  }
  if (before !== undefined) yield [before, Number.POSITIVE_INFINITY]
}

/** Only the count of deleted records is known: each of them counts as the run of one planned time. */
function recountMissed(day: Counted | undefined): void {
  if (day) day.missed = Math.max(0, day.expected - day.ran)
}
