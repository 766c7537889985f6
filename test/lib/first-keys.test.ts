import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FirstKeys } from '../../src/lib/first-keys.ts'

it('the first keys are a page of the sorted list, whatever the order', () => {
  const keys = fc.array(fc.string({ maxLength: 3, minLength: 1 }))
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 5 }), fc.string({ maxLength: 2 }), (all, limit, after) => {
      const first = new FirstKeys<number>(limit, after)
      for (const key of all) first.put(key, (count = 0) => count + 1)
      const sorted = [...new Set(all)].filter((key) => key > after).sort((a, b) => (a < b ? -1 : 1))
      const { entries, more } = first.page()
      expect(entries.map(([key]) => key)).toEqual(sorted.slice(0, limit))
      expect(more).toBe(sorted.length > limit)
      for (const [key, count] of entries) expect(count).toBe(all.filter((each) => each === key).length)
    }),
  )
})
