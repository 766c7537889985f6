import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findLongestGap } from '../../../src/lib/schedule/longest-gap.ts'
import { nextTime } from '../../../src/lib/schedule/next-time.ts'
import { parseSpec } from '../../../src/lib/schedule/spec.ts'

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]

test.each([
  ['0 5 * * *', DAY],
  ['@hourly', HOUR],
  ['@every 90m', 90 * MINUTE],
  ['*/10 * * * * *', 10_000],
  ['*/7 * * * *', 7 * MINUTE],
  ['0 5 * * 1-5', 3 * DAY],
  ['*/5 9-17 * * 1-5', 3 * DAY - 8 * HOUR - 55 * MINUTE],
  ['0 0 1 * *', 31 * DAY],
  ['0 0 31 * *', 61 * DAY],
  ['@yearly', 366 * DAY],
  ['0 0 29 2 *', 4 * 365 * DAY + DAY],
  ['0 0 15 * 1', 7 * DAY],
])('%s', (spec, gap) => {
  expect(findLongestGap(parseSpec(spec))).toBe(gap)
})

test('null if there are not two runs in five years', () => {
  const onMonday = { ...parseSpec('0 0 29 2 *'), weekdays: [1] }
  expect(findLongestGap(onMonday)).toBeNull()
})

test('no two planned runs are further apart, and two are as far', () => {
  const some = (first: number, last: number) =>
    fc
      .uniqueArray(fc.integer({ min: first, max: last }), { minLength: 1, maxLength: 4 })
      .map((all) => all.join())
  const field = (first: number, last: number) => fc.oneof(fc.constant('*'), some(first, last))
  const specs = fc.tuple(some(0, 59), field(0, 23), field(1, 28), fc.constant('*'), field(0, 6))
  fc.assert(
    fc.property(specs, (fields) => {
      const schedule = parseSpec(`TZ=UTC ${fields.join(' ')}`)
      let [widest, last] = [0, Date.UTC(2024, 0, 1)]
      let isFirst = true
      for (let at = nextTime(schedule, last); at && at < Date.UTC(2028, 5, 1); at = nextTime(schedule, at)) {
        if (!isFirst) widest = Math.max(widest, at - last)
        last = at
        isFirst = false
      }
      expect(findLongestGap(schedule)).toBe(widest)
    }),
    { numRuns: 15 },
  )
})
