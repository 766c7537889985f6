import { closeSync, fstatSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { areWritesFlushed, flushWrites } from '../../../src/volume/tree/flush-writes.ts'

const SECOND = 1_000_000_000n
const MS = 1_000_000n

test('a file counts as settled one clock tick before the volume was flushed, not earlier', () => {
  const changed = 1_700_000_000n * SECOND + 5n
  expect(areWritesFlushed({ ctimeNs: changed }, changed + 20n * MS)).toBe(false)
  expect(areWritesFlushed({ ctimeNs: changed }, changed + 20n * MS + 1n)).toBe(true)
})

test('a time of whole seconds may have a tick of two seconds', () => {
  const changed = 1_700_000_000n * SECOND
  expect(areWritesFlushed({ ctimeNs: changed }, changed + 2n * SECOND)).toBe(false)
  expect(areWritesFlushed({ ctimeNs: changed }, changed + 2n * SECOND + 1n)).toBe(true)
})

test('a file without dirty pages is settled, one that cannot be written is not', async () => {
  const fd = openSync('/proc/self/status', 'r')
  const stat = fstatSync(fd, { bigint: true })
  expect(areWritesFlushed(stat, 0n)).toBe(false)
  expect(await flushWrites(fd, stat, 0n)).toBe(true)
  closeSync(fd)
  expect(await flushWrites(2 ** 30, stat, 0n)).toBe(false)
})
