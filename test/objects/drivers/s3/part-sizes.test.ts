import { expect, test } from 'vitest'
import { MAX_S3_OBJECT_BYTES, PartPlan } from '../../../../src/objects/drivers/s3/part-sizes.ts'

const GIB = 1024 ** 3
const MAX_PARTS = 10_000
/** The smallest part that S3 accepts, except for the last one. */
const MIN_PART_BYTES = 5 * 1024 ** 2

function capacityOf(plan: PartPlan): number {
  let bytes = 0
  for (let number = 1; number <= MAX_PARTS; number++) bytes += plan.sizeOf(number)
  return bytes
}

test.each([0, 1, 10 * GIB, 100 * GIB, 500 * GIB, MAX_S3_OBJECT_BYTES])(
  '10,000 parts have room for an object of %d bytes',
  (expected) => {
    const plan = new PartPlan('object', expected)
    expect(capacityOf(plan)).toBeGreaterThanOrEqual(expected)
    expect(plan.sizeOf(1)).toBeGreaterThanOrEqual(MIN_PART_BYTES)
  },
)

test('an object of unknown size may grow to 350 GiB, and starts with small parts', () => {
  const plan = new PartPlan('object')
  expect(plan.sizeOf(1)).toBe(8 * 1024 ** 2)
  expect(capacityOf(plan)).toBeGreaterThan(350 * GIB)
})

test('parts in memory never take more than 160 MiB', () => {
  const plan = new PartPlan('object', MAX_S3_OBJECT_BYTES)
  for (const each of [plan, new PartPlan('object')])
    for (let number = 1; number <= MAX_PARTS; number += 100) {
      const inMemory = (each.waitingBeside(number) + 1) * each.sizeOf(number)
      expect(inMemory).toBeLessThanOrEqual(160 * 1024 ** 2)
    }
})

test('an object that no number of parts can hold is refused before it begins', () => {
  expect(() => new PartPlan('ns/object', MAX_S3_OBJECT_BYTES + 1)).toThrow(
    'Cannot create "ns/object": it has 625.0 GiB or more, and an object in a store on S3 has at most 625.0 GiB',
  )
})
