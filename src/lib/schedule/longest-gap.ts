import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time-units.ts'
import { isRunDay } from './next-wall.ts'
import type { CronSchedule, Schedule } from './spec.ts'

/** Any day, as long as it is always the same: the first of a leap year. */
const FIRST_DAY_MS = Date.UTC(2024, 0, 1)
const TWO_WEEKS = 15
/** It has 29 February twice. */
const SEARCHED_DAYS = 5 * 366

/** The longest time between two planned runs, ms, without clock changes; null if it does not run twice in five years. */
export function findLongestGap(schedule: Schedule): number | null {
  if (schedule.kind === 'interval') return schedule.everyMs
  const { seconds, minutes, hours } = schedule
  const minuteSpan = measureSpan(seconds) * 1000
  const hourSpan = measureSpan(minutes) * MINUTE_MS + minuteSpan
  const daySpan = measureSpan(hours) * HOUR_MS + hourSpan
  const days = findDayGap(schedule)
  if (days === null) return null
  const gaps = [
    findWidestStep(seconds) * 1000,
    findWidestStep(minutes) * MINUTE_MS - minuteSpan,
    findWidestStep(hours) * HOUR_MS - hourSpan,
    days * DAY_MS - daySpan,
  ]
  return Math.max(...gaps)
}

/** From the first to the last of these ascending numbers. */
function measureSpan(numbers: readonly number[]): number {
  return (numbers.at(-1) ?? 0) - (numbers[0] ?? 0)
}

/** Between two neighbours; 0 if there is one number only. */
function findWidestStep(numbers: readonly number[]): number {
  return numbers.reduce((widest, each, at) => Math.max(widest, each - (numbers[at - 1] ?? each)), 0)
}

/** The most days from one day with runs to the next; null if there are not two in the searched years. */
function findDayGap(schedule: CronSchedule): number | null {
  let [widest, last]: [number | null, number | null] = [null, null]
  const isWeekly = schedule.days.length === 31 && schedule.months.length === 12
  for (let day = 0; day < (isWeekly ? TWO_WEEKS : SEARCHED_DAYS); day++) {
    if (!isRunDay(schedule, new Date(FIRST_DAY_MS + day * DAY_MS))) continue
    if (last !== null) widest = Math.max(widest ?? 0, day - last)
    last = day
  }
  return widest
}
