import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findPosition, findSorted } from '../../src/lib/sorted-list.ts'

test('an item of a sorted list is found, and what is missing is not', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(50)), fc.nat(50), (numbers, wanted) => {
      const sorted = numbers.toSorted((one, other) => one - other)
      const compare = (item: number) => item - wanted
      expect(findPosition(sorted, compare)).toBe(sorted.indexOf(wanted))
      expect(findSorted(sorted, compare)).toBe(sorted.includes(wanted) ? wanted : undefined)
    }),
  )
})
