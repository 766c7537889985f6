// schedule/ computes when jobs run: spec.ts and spec-field.ts parse a schedule in the legacy system's format, next-
// time.ts finds the next time, also across clock changes; zone.ts wraps Intl's time zones, machine-zone.ts finds the
// machine's own. The engine's timers, and the parsers of inventories, use it. It starts no timers and reads no clock.

import { parseGoDuration } from '../durations.ts'
import { BackupdError, messageOf } from '../errors.ts'
import { FIELDS, parseField } from './spec-field.ts'
import { isZone, localZone } from './zone.ts'

/** Calendar dates in a zone. Numbers are ascending; weekdays are 0 (Sunday) to 6. */
export interface CronSchedule {
  kind: 'cron'
  zone: string
  seconds: number[]
  minutes: number[]
  hours: number[]
  days: number[]
  months: number[]
  weekdays: number[]
  /** Day of month and day of week are both restricted: either may match. Otherwise both must match. */
  eitherDay: boolean
  /** The hour field starts with `*`: runs follow elapsed time across a clock change. */
  everyHour: boolean
}

/** Runs at multiples of `everyMs` since 1970, so that a restart neither loses nor delays a run. */
export interface IntervalSchedule {
  kind: 'interval'
  everyMs: number
}

export type Schedule = CronSchedule | IntervalSchedule

/** Whether runs follow elapsed time across a clock change: for `@every`, and if the hour field starts with `*`. */
export function followsElapsedTime(schedule: Schedule): boolean {
  return schedule.kind === 'interval' || schedule.everyHour
}

const NICKNAMES: Record<string, string> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}

/** The limit of the legacy system, which uses an int64 of nanoseconds: 292 years. */
const MAX_INTERVAL_MS = 2 ** 63 / 1e6
const MONTH_LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Parses a spec in the legacy system's format: 5 or 6 fields (seconds first), `@daily` and the like, or
 * `@every 1h30m`, each with an optional `TZ=Area/City` or `CRON_TZ=` in front. Throws BAD_INPUT that names the field
 * and the reason.
 */
export function parseSpec(spec: string): Schedule {
  try {
    const { zone, rest } = splitZone(spec.trim())
    if (rest.startsWith('@every')) return parseInterval(rest)
    const nickname = rest.startsWith('@') ? NICKNAMES[rest.toLowerCase()] : rest
    if (nickname === undefined) throw new Error(`${rest} does not exist`)
    return parseCalendar(nickname, zone)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `"${spec}" is not a schedule: ${messageOf(cause)}`, {
      facts: { spec },
      cause,
    })
  }
}

function splitZone(spec: string): { zone: string; rest: string } {
  const match = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/s.exec(spec)
  if (!match) return { zone: localZone(), rest: spec }
  const [, zone = '', rest = ''] = match
  if (!isZone(zone)) throw new Error(`the time zone "${zone}" does not exist`)
  return { zone, rest }
}

function parseInterval(text: string): IntervalSchedule {
  const match = /^@every\s+(\S+)$/.exec(text)
  if (!match?.[1]) throw new Error('@every needs one duration, such as @every 1h30m')
  const asked = parseGoDuration(match[1])
  if (asked <= 0) throw new Error('the interval is 0, expected at least 1s')
  if (asked > MAX_INTERVAL_MS) throw new Error('the interval is longer than 292 years')
  return { kind: 'interval', everyMs: Math.max(1000, Math.floor(asked / 1000) * 1000) }
}

function parseCalendar(text: string, zone: string): CronSchedule {
  const parts = text === '' ? [] : text.split(/\s+/)
  if (parts.length !== 5 && parts.length !== 6) {
    throw new Error(
      `it has ${parts.length} fields, expected minute, hour, day of month, month, day of week (and optionally second before them)`,
    )
  }
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = ''] =
    parts.length === 5 ? ['0', ...parts] : parts
  const schedule: CronSchedule = {
    kind: 'cron',
    zone,
    seconds: field(second, 'second'),
    minutes: field(minute, 'minute'),
    hours: field(hour, 'hour'),
    days: field(day, 'day'),
    months: field(month, 'month'),
    weekdays: [...new Set(field(weekday, 'weekday').map((value) => value % 7))].sort((a, b) => a - b),
    eitherDay: !isStar(day) && !isStar(weekday),
    everyHour: isStar(hour),
  }
  if (!canOccur(schedule)) throw new Error(`month ${month} never has the day of month ${day}`)
  return schedule
}

function field(text: string, name: keyof typeof FIELDS): number[] {
  try {
    return parseField(text, FIELDS[name])
  } catch (cause) {
    throw new Error(`${FIELDS[name].name}: ${messageOf(cause)}`, { cause })
  }
}

function isStar(text: string): boolean {
  return text.startsWith('*') || text.startsWith('?')
}

function canOccur({ days, months, eitherDay }: CronSchedule): boolean {
  const first = days[0] ?? 1
  return eitherDay || months.some((month) => first <= (MONTH_LENGTHS[month - 1] ?? 0))
}
