import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextTime } from '../../../src/lib/schedule/next-time.ts'
import { type CronSchedule, parseSpec, type Schedule } from '../../../src/lib/schedule/spec.ts'
import { type Reading, readWallClock } from '../../support/wall-clock.ts'

const HOUR = 3_600_000

function timesBetween(schedule: Schedule, from: number, to: number): number[] {
  const times: number[] = []
  for (let at = nextTime(schedule, from); at !== undefined && at <= to; at = nextTime(schedule, at))
    times.push(at)
  return times
}

/** Clock changes: [zone, instant, minutes the wall jumps]. */
const CHANGES: [string, string, number][] = [
  ['Europe/Berlin', '2026-03-29T01:00:00Z', 60],
  ['Europe/Berlin', '2026-10-25T01:00:00Z', -60],
  ['America/New_York', '2026-03-08T07:00:00Z', 60],
  ['America/New_York', '2026-11-01T06:00:00Z', -60],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', -30],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', 30],
  ['America/Santiago', '2026-09-06T04:00:00Z', 60], // at midnight: the day starts at 01:00
  ['Asia/Tehran', '2022-03-21T20:30:00Z', 60],
  ['Africa/Cairo', '2026-10-29T21:00:00Z', -60], // the hour before midnight comes twice
  ['Pacific/Apia', '2011-12-30T10:00:00Z', 24 * 60], // a whole day is left out
]

describe('clock changes, written out', () => {
  test.each([
    [
      'named hour in a gap: once, right after it',
      'TZ=Europe/Berlin 30 2 * * *',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'several skipped times run once together',
      'TZ=Europe/Berlin */15 2 * * *',
      '2026-03-29T00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
    ],
    [
      'a skipped time and one named right after the gap are one run',
      'TZ=Europe/Berlin 0 2,3 * * *',
      '2026-03-29T00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
    ],
    [
      'named hour that comes twice: the first time',
      'TZ=Europe/Berlin 30 2 * * *',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'a list of all hours names hours',
      'TZ=Europe/Berlin 30 0-23 * * *',
      '2026-10-24T23:45Z',
      ['2026-10-25T00:30Z', '2026-10-25T02:30Z'],
    ],
    [
      'asked during the second pass: not again',
      'TZ=Europe/Berlin 30 2 * * *',
      '2026-10-25T01:10Z',
      ['2026-10-26T01:30Z'],
    ],
    [
      'each minute of a doubled hour once',
      'TZ=Europe/Berlin 59,0 2 * * *',
      '2026-10-24T23:59Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:59Z', '2026-10-26T01:00Z'],
    ],
    [
      'hourly through a gap',
      'TZ=Europe/Berlin 30 * * * *',
      '2026-03-28T23:00Z',
      ['2026-03-28T23:30Z', '2026-03-29T00:30Z', '2026-03-29T01:30Z'],
    ],
    [
      'hourly through a doubled hour',
      'TZ=Europe/Berlin 30 * * * *',
      '2026-10-24T23:00Z',
      ['2026-10-24T23:30Z', '2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T02:30Z'],
    ],
    [
      'each quarter through a gap',
      'TZ=Europe/Berlin */15 * * * *',
      '2026-03-29T00:40Z',
      ['2026-03-29T00:45Z', '2026-03-29T01:00Z', '2026-03-29T01:15Z'],
    ],
    [
      'half an hour of gap',
      'TZ=Australia/Lord_Howe 15 2 * * *',
      '2026-10-03T12:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'half an hour twice',
      'TZ=Australia/Lord_Howe 45 1 * * *',
      '2026-04-04T12:00Z',
      ['2026-04-04T14:45Z', '2026-04-05T15:15Z'],
    ],
    [
      'midnight that is skipped',
      'TZ=America/Santiago @daily',
      '2026-09-05T12:00Z',
      ['2026-09-06T04:00Z', '2026-09-07T03:00Z'],
    ],
    [
      'the hour before midnight twice',
      'TZ=Africa/Cairo 30 23 * * *',
      '2026-10-29T12:00Z',
      ['2026-10-29T20:30Z', '2026-10-30T21:30Z'],
    ],
    [
      'a day that is left out',
      'TZ=Pacific/Apia 0 5 30 12 *',
      '2011-12-29T12:00Z',
      ['2011-12-30T10:00Z', '2012-12-29T15:00Z'],
    ],
    [
      'intervals know no clock change',
      '@every 2h',
      '2026-03-28T23:00Z',
      ['2026-03-29T00:00Z', '2026-03-29T02:00Z', '2026-03-29T04:00Z'],
    ],
  ])('%s: %s', (_name, spec, from, wanted) => {
    const schedule = parseSpec(spec)
    const found: string[] = []
    for (let at: number | undefined = Date.parse(from); found.length < wanted.length; ) {
      at = nextTime(schedule, at)
      if (at === undefined) break
      found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'))
    }
    expect(found).toEqual(wanted)
  })
})

/** The rules again, by stepping through every reading of the clock on the wall. */
function stepThrough(schedule: CronSchedule, readings: readonly Reading[]): number[] {
  const seen = new Set<number>()
  const times: number[] = []
  for (const [index, reading] of readings.entries()) {
    const walls = schedule.everyHour
      ? [reading]
      : [...skipped(readings[index - 1], reading), reading].filter((wall) => !seen.has(wallOf(wall)))
    for (const wall of walls) seen.add(wallOf(wall))
    if (walls.some((wall) => fits(schedule, wall))) times.push(reading.instant)
  }
  return times
}

function wallOf(r: Reading): number {
  return Date.UTC(r.year, r.month - 1, r.day, r.hour, r.minute, r.second)
}

function* skipped(before: Reading | undefined, now: Reading): Generator<Reading> {
  if (!before) return
  const step = now.instant - before.instant
  for (let wall = wallOf(before) + step; wall < wallOf(now); wall += step) {
    const date = new Date(wall)
    yield {
      instant: now.instant,
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      weekday: date.getUTCDay(),
    }
  }
}

function fits(schedule: CronSchedule, r: Reading): boolean {
  const day = schedule.days.includes(r.day)
  const weekday = schedule.weekdays.includes(r.weekday)
  const date = schedule.months.includes(r.month) && (schedule.eitherDay ? day || weekday : day && weekday)
  return (
    date &&
    schedule.hours.includes(r.hour) &&
    schedule.minutes.includes(r.minute) &&
    schedule.seconds.includes(r.second)
  )
}

const value = (min: number, max: number) => fc.integer({ min, max })
function field(min: number, max: number): fc.Arbitrary<string> {
  const range = fc
    .tuple(value(min, max), value(min, max))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const element = fc.oneof(
    value(min, max).map(String),
    range,
    fc.tuple(range, value(1, 9)).map(([r, n]) => `${r}/${n}`),
    value(1, 12).map((n) => `*/${n}`),
  )
  return fc.oneof(
    fc.constant('*'),
    element,
    fc.array(element, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
  )
}
const dates = fc.oneof(
  { weight: 3, arbitrary: fc.constant('* * *') },
  fc.tuple(field(1, 31), fc.constant('*'), field(0, 6)).map((list) => list.join(' ')),
)

describe('clock changes, compared with a clock read step by step', () => {
  test.each(CHANGES)('%s at %s', (zone, instant, minutes) => {
    const change = Date.parse(instant)
    const days = readWallClock(zone, change - 30 * HOUR, { to: change + 30 * HOUR, stepMs: 60_000 })
    const jump =
      wallOf(days.find((r) => r.instant === change) as Reading) -
      wallOf(days.find((r) => r.instant === change - 60_000) as Reading)
    expect(jump).toBe((minutes + 1) * 60_000)
    const begin = days[0]?.instant as number
    fc.assert(
      fc.property(
        field(0, 59),
        field(0, 23),
        dates,
        value(0, days.length - 1),
        (minute, hour, date, offset) => {
          const schedule = parseSpec(`TZ=${zone} ${minute} ${hour} ${date}`) as CronSchedule
          const wanted = stepThrough(schedule, days)
          expect(timesBetween(schedule, begin - 1, begin + 60 * HOUR).filter((at) => at > begin)).toEqual(
            wanted.filter((at) => at > begin),
          )
          const anywhere = begin + offset * 60_000
          expect(nextTime(schedule, anywhere)).toBe(
            wanted.find((at) => at > anywhere) ?? nextTime(schedule, begin + 60 * HOUR),
          )
        },
      ),
      { numRuns: 25 },
    )
  })

  test.each(CHANGES.slice(0, 6))('seconds, %s at %s', (zone, instant) => {
    const change = Date.parse(instant)
    const minutes = readWallClock(zone, change - 2 * HOUR, { to: change + 2 * HOUR, stepMs: 1000 })
    fc.assert(
      fc.property(
        field(0, 59),
        field(0, 59),
        fc.constantFrom('*', '*/2', '1', '1-3', '2', '0-23'),
        (second, minute, hour) => {
          const schedule = parseSpec(`TZ=${zone} ${second} ${minute} ${hour} * * *`) as CronSchedule
          const wanted = stepThrough(schedule, minutes).slice(0, 400)
          const begin = change - 2 * HOUR
          const found = timesBetween(schedule, begin, wanted.at(-1) ?? begin)
          expect(found).toEqual(wanted.filter((at) => at > begin))
        },
      ),
      { numRuns: 6 },
    )
  })
})

test('a time between two milliseconds and the ends of the calendar work', () => {
  const schedule = parseSpec('TZ=Europe/Berlin 0 5 * * *')
  expect(nextTime(schedule, Date.UTC(2026, 0, 1, 4) - 1)).toBe(Date.UTC(2026, 0, 1, 4))
  expect(nextTime(schedule, Date.UTC(2026, 0, 1, 4))).toBe(Date.UTC(2026, 0, 2, 4))
  expect(nextTime(schedule, Number.NaN)).toBeUndefined()
  expect(nextTime(schedule, 8.64e15)).toBeUndefined()
})
