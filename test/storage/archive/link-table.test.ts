import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createLinkTable } from '../../../src/storage/archive/link-table.ts'

test('finds what was put in, and nothing else, through many growths', () => {
  using table = createLinkTable()
  const target = (n: number) => ({
    path: Buffer.from(`folder/${'p'.repeat(n % 300)}/${n}`),
    offset: n * 2 ** 20,
  })
  for (let n = 0; n < 30_000; n++) table.add(BigInt(n % 3), BigInt(n) << 20n, target(n))
  for (let n = 0; n < 30_000; n++) expect(table.find(BigInt(n % 3), BigInt(n) << 20n)).toEqual(target(n))
  expect(table.find(1n, 0n)).toBeUndefined()
  expect(table.find(0n, 1n)).toBeUndefined()
})

test('keeps the largest numbers a file system may use', () => {
  using table = createLinkTable()
  const most = 2n ** 64n - 1n
  table.add(most, most, { path: Buffer.from([0xff, 0x0a]), offset: 2 ** 52 })
  expect(table.find(most, most)).toEqual({ path: Buffer.from([0xff, 0x0a]), offset: 2 ** 52 })
  expect(table.find(most, most - 1n)).toBeUndefined()
})

test('leaves no file behind', () => {
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  {
    using table = createLinkTable()
    table.add(1n, 1n, { path: Buffer.from('a'), offset: 0 })
    expect(open()).toBe(before + 1)
  }
  expect(open()).toBe(before)
})
