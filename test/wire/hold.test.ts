import { expect, test } from 'vitest'
import { findUnusualHold, isUnusualHold, parseUnusualHold, printUnusualHold } from '../../src/wire/hold.ts'

const hold = {
  at: '2026-12-01T05:00:00.000Z',
  rid: 'abc123',
  because: 'it has 95 % fewer files: 10\nand 200',
}

test('an unusual run is read from the reason that it was printed as', () => {
  expect(parseUnusualHold(printUnusualHold(hold))).toEqual(hold)
})

test.each([
  'legal',
  '',
  'unusual',
  'unusual yesterday r: it',
  'unusual 2026-12-01T05:00:00Z r',
  'unusual  r: x',
])('%j is a reason of another kind', (text) => {
  expect(parseUnusualHold(text)).toBeUndefined()
  expect(isUnusualHold(text)).toBe(false)
})

test('of several, the first unusual run is found', () => {
  const later = printUnusualHold({ ...hold, at: '2026-12-02T05:00:00.000Z' })
  expect(findUnusualHold(['legal', later, printUnusualHold(hold)])).toEqual(hold)
  expect(findUnusualHold(['legal'])).toBeUndefined()
})
