import { expect, test } from 'vitest'
import { formatTable } from '../../src/cli/table.ts'

test('columns are as wide as their widest cell, and numbers are aligned to the right', () => {
  expect(
    formatTable(
      ['name', 'jobs'],
      [
        ['a', 2],
        ['longer', 10],
      ],
    ),
  ).toBe(['name    jobs', 'a          2', 'longer    10'].join('\n'))
})

test('a table of the largest inventory can be printed', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => [`volume ${n}`, n])
  const lines = formatTable(['volume', 'jobs'], rows).split('\n')
  expect(lines).toHaveLength(200_001)
  expect(lines.at(-1)).toBe('volume 199999  199999')
})
