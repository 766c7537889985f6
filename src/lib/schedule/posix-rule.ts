import { DAY_MS, HOUR_MS } from '../time-units.ts'

/** A time zone as POSIX writes it in TZ: `CET-1CEST,M3.5.0,M10.5.0/3`. Offsets are wall time minus UTC, ms. */
export interface PosixRule {
  standardMs: number
  daylight: { offsetMs: number; start: YearlyMoment; end: YearlyMoment } | null
}

/** The `week`th (5 = last) `weekday` of a month, and the wall time on that day. */
interface YearlyMoment {
  month: number
  week: number
  weekday: number
  timeMs: number
}

const NAME = '(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)'
const TIME = '[+-]?\\d{1,3}(?::[0-5]\\d){0,2}'
const MOMENT = `M\\d{1,2}\\.[1-5]\\.[0-6](?:/${TIME})?`
const RULE = new RegExp(`^${NAME}(${TIME})(?:${NAME}(${TIME})?(?:,(${MOMENT}),(${MOMENT}))?)?$`)
const HAS_DAYLIGHT = new RegExp(`^${NAME}${TIME}${NAME}`)
/** The default if no moments are given: those of the United States. POSIX does not define it. */
const USUAL_MOMENTS = ['M3.2.0', 'M11.1.0'] as const

/** Parses a rule. undefined if it is invalid or uses days of the year (`J60`), which no present zone does. */
export function parsePosixRule(text: string): PosixRule | undefined {
  const match = RULE.exec(text)
  if (!match) return undefined
  const [, standard = '', daylight, start = USUAL_MOMENTS[0], end = USUAL_MOMENTS[1]] = match
  const standardMs = -parseOffset(standard)
  if (!HAS_DAYLIGHT.test(text)) return { standardMs, daylight: null }
  const offsetMs = daylight === undefined ? standardMs + HOUR_MS : -parseOffset(daylight)
  return { standardMs, daylight: { offsetMs, start: parseMoment(start), end: parseMoment(end) } }
}

function parseOffset(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number)
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000
  return text.startsWith('-') ? -ms : ms
}

function parseMoment(text: string): YearlyMoment {
  const [date = '', time = '2'] = text.slice(1).split('/')
  const [month = 1, week = 1, weekday = 0] = date.split('.').map(Number)
  return { month, week, weekday, timeMs: parseOffset(time) }
}

/** Instants around each change in these years, with the offset of the rule at that time. */
export function sampleOffsets(
  { standardMs, daylight }: PosixRule,
  years: readonly number[],
): { instant: number; offsetMs: number }[] {
  if (!daylight) return years.map((year) => ({ instant: Date.UTC(year, 0), offsetMs: standardMs }))
  const { offsetMs, start, end } = daylight
  return years.flatMap((year) => {
    const begins = toWall(year, start) - standardMs
    const ends = toWall(year, end) - offsetMs
    return [
      { instant: begins - 1000, offsetMs: standardMs },
      { instant: begins, offsetMs },
      { instant: ends - 1000, offsetMs },
      { instant: ends, offsetMs: standardMs },
    ]
  })
}

function toWall(year: number, { month, week, weekday, timeMs }: YearlyMoment): number {
  const first = Date.UTC(year, month - 1, 1)
  const toFirst = (weekday - new Date(first).getUTCDay() + 7) % 7
  let day = first + (toFirst + 7 * (week - 1)) * DAY_MS
  while (new Date(day).getUTCMonth() !== month - 1) day -= 7 * DAY_MS
  return day + timeMs
}
