import { expect, test } from 'vitest'
import { indexOfNumbers, numberedId, typeOfNumber } from '../../support/many-blobs.ts'

const COUNT = 20_000_000

test('20 million blobs fit into the index, more than into a Map', () => {
  const index = indexOfNumbers(COUNT)
  expect(index.size).toBe(COUNT)
  const lost: number[] = []
  for (let n = 0; n < COUNT; n += 97) {
    if (index.find(typeOfNumber(n), numberedId(n)) !== n) lost.push(n)
    if (index.has(typeOfNumber(n), numberedId(COUNT + n))) lost.push(COUNT + n)
  }
  expect(lost).toEqual([])
  expect(index.placeAt(COUNT - 1)).toMatchObject({ offset: ((COUNT - 1) % 1600) * 10_000, length: 10_000 })
}, 300_000)
