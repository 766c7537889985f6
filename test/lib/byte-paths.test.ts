import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToText, textToBytes } from '../../src/lib/byte-paths.ts'

test.each([
  ['plain.txt', Buffer.from('plain.txt')],
  ['a\\\\b', Buffer.from('a\\b')],
  ['new\\x0aline "quoted"', Buffer.from('new\nline "quoted"')],
  ['Icon\\x0d', Buffer.from('Icon\r')],
  ['c1\\xc2\\x9b', Buffer.from('c1\u009b')],
  ['gr\\xfc\\xdf', Buffer.from([0x67, 0x72, 0xfc, 0xdf])],
  ['ä\\xff\\\\', Buffer.from([0xc3, 0xa4, 0xff, 0x5c])],
])('%j stands for exactly one name', (text, bytes) => {
  expect(bytesToText(bytes)).toBe(text)
  expect(textToBytes(text)).toEqual(bytes)
})

test('every name is read back from its text', () => {
  const anyByte = fc.oneof(fc.constantFrom(0x5c, 0x78, 0x66, 0xff, 0xc3), fc.integer({ min: 1, max: 255 }))
  fc.assert(
    fc.property(fc.array(anyByte, { maxLength: 40 }), (name) => {
      const bytes = Buffer.from(name)
      expect(textToBytes(bytesToText(bytes))).toEqual(bytes)
    }),
  )
})

test('a backslash that starts no escape stands for itself', () => {
  expect(textToBytes('a\\b\\xzz')).toEqual(Buffer.from('a\\b\\xzz'))
})
