import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { compress, decompress } from '../../../src/restic/codec/zstd.ts'

test.each([0, 1, 1000, 3_000_000])('%i bytes are decompressed correctly', (length) => {
  for (const plain of [Buffer.alloc(length, 'some text '), randomBytes(length)]) {
    expect(decompress(compress(plain), length).equals(plain)).toBe(true)
  }
})

test('a longer or shorter result than expected is refused', () => {
  const packed = compress(Buffer.alloc(1000))
  expect(() => decompress(packed, 999)).toThrow(RangeError)
  expect(() => decompress(packed, 1001)).toThrow('decompresses to 1000 bytes, expected 1001')
})

test('a small piece never fills the memory', () => {
  const bomb = compress(Buffer.alloc(64 * 1024 * 1024))
  expect(bomb.length).toBeLessThan(10_000)
  expect(() => decompress(bomb, 1_000_000)).toThrow(RangeError)
})

test('damage and truncation are detected', () => {
  const packed = compress(Buffer.alloc(1000, 'text'))
  expect(() => decompress(packed.subarray(0, -3), 1000)).toThrow()
  expect(() => decompress(Buffer.from('no zstd frame'), 1000)).toThrow()
})
