import { expect, it } from 'vitest'
import { listDataRuns } from '../../../src/volume/tree/data-runs.ts'

const KiB = 1024

/** Bytes with data of one KiB at each of the places. */
function bytes(length: number, ...places: number[]): Buffer {
  const all = Buffer.alloc(length)
  for (const place of places) all.fill('x', place, place + KiB)
  return all
}

it.each<[string, Buffer, number, [number, number][]]>([
  ['nothing but data', bytes(KiB, 0), 0, [[0, KiB]]],
  ['a small piece is written as it is', bytes(40 * KiB, 0), 0, [[0, 40 * KiB]]],
  ['nothing but zeros', bytes(256 * KiB), 0, []],
  ['zeros that end within a page', bytes(100 * KiB + 5), 0, []],
  [
    'a long run within',
    bytes(256 * KiB, 0, 200 * KiB),
    0,
    [
      [0, 4 * KiB],
      [200 * KiB, 4 * KiB],
    ],
  ],
  [
    'a short run within',
    bytes(256 * KiB, 0, 32 * KiB, 252 * KiB),
    0,
    [
      [0, 36 * KiB],
      [252 * KiB, 4 * KiB],
    ],
  ],
  [
    'a short run at the start and one at the end',
    bytes(96 * KiB, 12 * KiB, 68 * KiB),
    0,
    [[12 * KiB, 60 * KiB]],
  ],
  [
    'pages are those of the file',
    bytes(128 * KiB, 0, 127 * KiB),
    1000,
    [
      [0, 3096],
      [125_976, 5096],
    ],
  ],
])('%s', (_, piece, position, expected) => {
  const runs = listDataRuns(piece, position)
  expect(runs.map(({ offset, length }) => [offset, length])).toEqual(expected)
  const back = Buffer.alloc(piece.length)
  for (const { offset, length } of runs) piece.copy(back, offset, offset, offset + length)
  expect(back.equals(piece)).toBe(true)
  for (const { offset } of runs) expect(offset === 0 || (offset + position) % 4096 === 0).toBe(true)
})
