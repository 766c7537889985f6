import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Compressor, compressBound, compressShared } from '../../../src/restic/codec/compressor.ts'
import { compress } from '../../../src/restic/codec/zstd.ts'

const compressor = new Compressor()

function compressed(plain: Buffer): Buffer {
  const room = Buffer.alloc(5 + compressBound(plain.length))
  return room.subarray(5, 5 + compressor.compressInto(room, 5, plain))
}

test.each([0, 1, 64, 1000, 65_536, 300_000])('%i bytes give the same as compress()', (length) => {
  for (const plain of [Buffer.alloc(length, 'some text '), randomBytes(length)])
    expect(compressed(plain).equals(compress(plain))).toBe(true)
})

test('a text that does not fit is never truncated', () => {
  const plain = randomBytes(1000)
  expect(() => compressor.compressInto(Buffer.alloc(500), 0, plain)).toThrow('does not fit')
})

test.each([0, 64, 300_000, 8 << 20, 1000])('%i bytes in the shared room too', (length) => {
  for (const plain of [Buffer.alloc(length, 'some text '), randomBytes(length)])
    expect(compressShared(plain).equals(compress(plain))).toBe(true)
})
