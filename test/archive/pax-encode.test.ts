import { expect, test } from 'vitest'
import { encodePaxRecords, formatPaxTime } from '../../src/archive/pax-encode.ts'
import { parsePaxRecords } from '../../src/archive/pax-records.ts'

test('the length of a pax record includes its own digits', () => {
  expect(encodePaxRecords([{ key: 'a', value: Buffer.from('b') }]).toString()).toBe('6 a=b\n')
  for (let length = 0; length < 1100; length++) {
    const body = encodePaxRecords([{ key: 'path', value: Buffer.alloc(length, 'x') }])
    expect(Number.parseInt(body.toString(), 10)).toBe(body.length)
  }
})

test('values are kept as bytes', () => {
  const records = [
    { key: 'path', value: Buffer.from('plain') },
    { key: 'SCHILY.xattr.user.x', value: Buffer.from([0, 10, 61, 255]) },
  ]
  expect(parsePaxRecords(encodePaxRecords(records))).toEqual(records)
})

test('a path that is not UTF-8 is marked as binary', () => {
  const body = encodePaxRecords([{ key: 'path', value: Buffer.from([0xff]) }])
  expect(body.toString('latin1')).toBe('21 hdrcharset=BINARY\n9 path=\xff\n')
})

test.each([
  [0n, '0'],
  [1n, '0.000000001'],
  [-1n, '-0.000000001'],
  [1_500_000_000n, '1.5'],
  [-157_766_400_000_000_001n, '-157766400.000000001'],
  [1_577_934_245_123_456_789n, '1577934245.123456789'],
])('%d ns is written %s', (ns, text) => {
  expect(formatPaxTime(ns)).toBe(text)
})
