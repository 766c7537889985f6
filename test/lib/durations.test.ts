import { expect, test } from 'vitest'
import { parseExpire, parseGoDuration } from '../../src/lib/durations.ts'

test.each([
  ['30d', 2_592_000_000],
  ['12h', 43_200_000],
  ['90m', 5_400_000],
])('expire %s', (text, ms) => expect(parseExpire(text)).toBe(ms))

test.each(['', '30', 'd', '0d', '-1d', '1w', '1.5h', ' 1d'])('expire %j is refused', (text) => {
  expect(() => parseExpire(text)).toThrow(
    'is not a retention time, expected a number and m, h or d, such as 30d',
  )
})

test.each([
  ['1h30m', 5_400_000],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['1h0m0.5s', 3_600_500],
])('duration %s', (text, ms) => expect(parseGoDuration(text)).toBe(ms))

test.each(['', '5', '5x', '1h 30m', '-1h', 'h'])('duration %j is refused', (text) => {
  expect(() => parseGoDuration(text)).toThrow('is not a duration')
})
