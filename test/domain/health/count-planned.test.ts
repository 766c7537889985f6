import { describe, expect, test } from 'vitest'
import { type BucketRow, countPlannedGroups } from '../../../src/domain/health/count-planned.ts'
import { doAtOnce } from '../../../src/lib/in-slices.ts'

const HOUR = 3_600_000
const at = (text: string) => Date.parse(text)

/** The counts of one job with this schedule. */
function count(spec: string, row: BucketRow, zone = 'UTC') {
  const counted = doAtOnce(countPlannedGroups([{ key: 'k', spec, zone, jobs: 1 }], row))
  return [...(counted.get('k') ?? [])]
}

const day = { from: at('2026-12-01T00:00:00Z'), to: at('2026-12-02T00:00:00Z') }

describe('the planned times of a schedule', () => {
  test('are counted in the bucket in which they lie, its begin included and its end not', () => {
    expect(count('0 6,12 * * *', { ...day, lengthMs: 6 * HOUR })).toEqual([0, 1, 1, 0])
    expect(count('0 0 * * *', { ...day, lengthMs: 24 * HOUR })).toEqual([1])
  })

  test('of an interval are the same as if each were listed', () => {
    for (const spec of ['@every 7m', '@every 1h30m', '@every 1s']) {
      const row = { from: day.from + 12_345, to: day.from + 5 * HOUR + 777, lengthMs: HOUR }
      const everyMs = { '@every 7m': 420_000, '@every 1h30m': 5_400_000, '@every 1s': 1000 }[spec] ?? 1
      const listed = [0, 0, 0, 0, 0]
      for (let ms = Math.ceil(row.from / everyMs) * everyMs; ms < row.to; ms += everyMs)
        listed[Math.floor((ms - row.from) / HOUR)] = (listed[Math.floor((ms - row.from) / HOUR)] ?? 0) + 1
      expect(count(spec, row)).toEqual(listed)
    }
  })

  test('are those of the zone of the daemon', () => {
    const row = { ...day, lengthMs: HOUR }
    expect(count('30 3 * * *', row, 'Asia/Kolkata').indexOf(1)).toBe(22)
    expect(count('TZ=UTC 30 3 * * *', row, 'Asia/Kolkata').indexOf(1)).toBe(3)
  })

  test('are none if the schedule cannot be read', () => {
    expect(count('nonsense', { ...day, lengthMs: 12 * HOUR })).toEqual([0, 0])
  })

  test('are refused if there are too many to list them', () => {
    const row = { from: day.from, to: day.from + 60 * 24 * HOUR, lengthMs: 24 * HOUR }
    expect(() => count('* * * * * *', row)).toThrow('such as those of "* * * * * *": ask for a shorter time')
    expect(count('@every 1s', row)).toHaveLength(60)
  })
})

test('jobs with one schedule are added to the group of each', () => {
  const row = { ...day, lengthMs: 24 * HOUR }
  const groups = [
    { key: 'a', spec: '0 5 * * *', zone: 'UTC', jobs: 3 },
    { key: 'b', spec: '0 5 * * *', zone: 'UTC', jobs: 4 },
    { key: 'a', spec: '@every 12h', zone: 'UTC', jobs: 1 },
  ]
  const counted = doAtOnce(countPlannedGroups(groups, row))
  expect([...counted].map(([key, counts]) => [key, [...counts]])).toEqual([
    ['a', [5]],
    ['b', [4]],
  ])
})
