import { expect, it } from 'vitest'
import { byteText } from '../../src/lib/byte-counts.ts'

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1_610_612_736, '1.5 GiB'],
  [2 ** 62, '4096.0 PiB'],
])('%d is %s', (bytes, text) => {
  expect(byteText(bytes)).toBe(text)
})
