import { randomBytes } from 'node:crypto'
import { createZstdCompress } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
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

test('a text after one that did not fit is compressed as usual', () => {
  expect(() => compressor.compressInto(Buffer.alloc(500), 0, randomBytes(1000))).toThrow('does not fit')
  const plain = Buffer.from('the next text')
  expect(compressed(plain).equals(compress(plain))).toBe(true)
})

test('a call that fails inside of zstd is never taken for the one before', () => {
  expect(compressed(Buffer.from('a text'))).not.toHaveLength(0)
  const { _handle } = createZstdCompress() as unknown as { _handle: object }
  vi.spyOn(Object.getPrototypeOf(_handle), 'writeSync').mockImplementationOnce(() => {})
  onTestFinished(() => void vi.restoreAllMocks())
  expect(() => compressed(Buffer.from('another'))).toThrow('does not fit')
})

test.each([0, 64, 300_000, 8 << 20, 1000])('%i bytes in the shared room too', (length) => {
  for (const plain of [Buffer.alloc(length, 'some text '), randomBytes(length)])
    expect(compressShared(plain).equals(compress(plain))).toBe(true)
})
