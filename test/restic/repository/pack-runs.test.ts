import { expect, test } from 'vitest'
import { chooseReadLimits, packRuns } from '../../../src/restic/repository/pack-runs.ts'
import { memoryDriver } from '../../support/memory-driver.ts'

const MIB = 2 ** 20

/** Blobs of one pack with the gap between them. */
function makeBlobs(count: number, { length, gap }: { length: number; gap: number }) {
  return Array.from({ length: count }, (_, n) => ({
    ...{ pack: 'a', offset: n * (length + gap), length, plainLength: length, compressed: false },
  }))
}

test('a store that costs requests is read with fewer, longer reads', () => {
  const file = chooseReadLimits(memoryDriver())
  const bucket = chooseReadLimits({ cache: { open: never, put: never, drop: never } })
  const blobs = () => makeBlobs(16, { length: MIB, gap: 0 })
  expect(packRuns(blobs(), file).map(({ length }) => length)).toEqual(Array(8).fill(2 * MIB))
  expect(packRuns(blobs(), bucket).map(({ length }) => length)).toEqual([4 * MIB, 4 * MIB, 4 * MIB, 4 * MIB])
})

test('what lies between two blobs is read with them only up to a limit', () => {
  const bucket = chooseReadLimits({ cache: { open: never, put: never, drop: never } })
  expect(packRuns(makeBlobs(3, { length: 1000, gap: 512 << 10 }), bucket)).toHaveLength(1)
  expect(packRuns(makeBlobs(3, { length: 1000, gap: (512 << 10) + 1 }), bucket)).toHaveLength(3)
})

function never(): never {
  throw new Error('nothing is read here')
}
