import { expect, it } from 'vitest'
import { byteText, parseByteCount } from '../../src/lib/byte-counts.ts'

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1_610_612_736, '1.5 GiB'],
  [2 ** 62, '4096.0 PiB'],
])('%d is %s', (bytes, text) => {
  expect(byteText(bytes)).toBe(text)
})

it.each([
  ['1000', 1000],
  ['1000 bytes', 1000],
  ['2KiB', 2048],
  ['1.5 GiB', 1_610_612_736],
  ['2PiB', 2 ** 51],
])('"%s" is %d', (text, bytes) => {
  expect(parseByteCount(text)).toBe(bytes)
})

it.each(['', '0', '0.0GiB', '-1', '1GB', '1 G', '1e3', 'GiB', '16PiB', '9999999999999999'])(
  '"%s" is no size',
  (text) => {
    expect(() => parseByteCount(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  },
)
