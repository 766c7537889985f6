import { expect, test } from 'vitest'
import { AddressRanges, overlaps, parseCidr, printCidr } from '../../src/lib/cidr.ts'

function range(text: string) {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`${text} is not a range`)
  return cidr
}

test.each([
  [
    '10.0.0.0/8',
    ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::ffff:a01:203'],
    ['11.0.0.0', '::1', ''],
  ],
  ['10.0.0.5/8', ['10.9.9.9'], ['9.9.9.9']],
  ['10.0.0.20', ['10.0.0.20'], ['10.0.0.21']],
  ['::ffff:10.0.0.0/104', ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.0']],
  ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1', 'fe80::1']],
  ['::/0', ['::1', '2001:db8::1'], ['1.2.3.4', '::ffff:1.2.3.4']],
  ['2001:DB8::/32', ['2001:db8:ffff::1', '2001:0db8::0001'], ['2001:db9::1', '32.1.13.184']],
  ['fe80::/10', ['fe80::1%eth0', 'fe80::1'], ['fec0::1']],
])('%s has some addresses and not others', (text, inside, outside) => {
  const ranges = new AddressRanges([range(text)])
  expect(inside.filter((address) => !ranges.has(address))).toEqual([])
  expect([...outside, 'unknown', '10.0.0', '10.0.0.1:80'].filter((address) => ranges.has(address))).toEqual(
    [],
  )
})

test.each([
  ...['', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0/8', '010.0.0.0/8'],
  ...['::/129', '::ffff:10.0.0.0/95', 'fe80::1%eth0/64', 'localhost', '10.0.0.0/8 ', '10.0.0.0/0x8', '*'],
])('%s is not a range', (text) => {
  expect(parseCidr(text)).toBeUndefined()
})

test('ranges overlap if one contains the other', () => {
  const pairs = [
    ['10.0.0.0/8', '10.1.0.0/16', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['10.0.0.0/8', '11.0.0.0/8', false],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['::/0', '10.0.0.0/8', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
  ] as const
  for (const [one, other, are] of pairs) {
    expect([one, other, overlaps(range(one), range(other))]).toEqual([one, other, are])
    expect(overlaps(range(other), range(one))).toBe(are)
  }
})

test('a range is printed as it is written', () => {
  const printed = ['10.0.0.0/8', '10.0.0.1/32', '2001:DB8::/32', '::ffff:10.0.0.0/104'].map((text) =>
    printCidr(range(text)),
  )
  expect(printed).toEqual(['10.0.0.0/8', '10.0.0.1', '2001:db8::/32', '10.0.0.0/8'])
})
