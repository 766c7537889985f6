import { DAY_MS } from '../time-units.ts'
import type { CronSchedule } from './spec.ts'

/** 29 February falls on a given weekday at least once in 40 years. */
const HORIZON_YEARS = 41

/** The first wall time (see zone.ts) at or after `from` that matches the fields, on a whole second. */
export function nextWall(schedule: CronSchedule, from: number): number | undefined {
  const start = Math.ceil(from / 1000) * 1000
  const today = Math.floor(start / DAY_MS) * DAY_MS
  if (isRunDay(schedule, new Date(today))) {
    const time = timeOfDay(schedule, (start - today) / 1000)
    if (time !== undefined) return today + time * 1000
  }
  const day = nextDay(schedule, today + DAY_MS)
  const first = timeOfDay(schedule, 0)
  return day === undefined || first === undefined ? undefined : day + first * 1000
}

/** The first second of a day at or after `from` that matches the fields. */
function timeOfDay({ hours, minutes, seconds }: CronSchedule, from: number): number | undefined {
  const fromHour = Math.floor(from / 3600)
  for (const hour of hours) {
    if (hour < fromHour) continue
    const rest = timeOfHour(minutes, seconds, hour === fromHour ? from % 3600 : 0)
    if (rest !== undefined) return hour * 3600 + rest
  }
  return undefined
}

function timeOfHour(minutes: number[], seconds: number[], from: number): number | undefined {
  const fromMinute = Math.floor(from / 60)
  for (const minute of minutes) {
    if (minute < fromMinute) continue
    const second = minute === fromMinute ? seconds.find((value) => value >= from % 60) : seconds[0]
    if (second !== undefined) return minute * 60 + second
  }
  return undefined
}

function nextDay(schedule: CronSchedule, from: number): number | undefined {
  const date = new Date(from)
  const lastYear = date.getUTCFullYear() + HORIZON_YEARS
  while (date.getUTCFullYear() <= lastYear) {
    if (!schedule.months.includes(date.getUTCMonth() + 1)) date.setUTCMonth(date.getUTCMonth() + 1, 1)
    else if (isRunDay(schedule, date)) return date.getTime()
    else date.setUTCDate(date.getUTCDate() + 1)
  }
  return undefined
}

/** Whether it runs on this day, which begins at `date` in UTC. */
export function isRunDay({ days, months, weekdays, eitherDay }: CronSchedule, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false
  const day = days.includes(date.getUTCDate())
  const weekday = weekdays.includes(date.getUTCDay())
  return eitherDay ? day || weekday : day && weekday
}
