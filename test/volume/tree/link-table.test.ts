import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type LinkIdentity, LinkTable } from '../../../src/volume/tree/link-table.ts'

function file(change: Partial<LinkIdentity> = {}): LinkIdentity {
  return { type: 'file', size: 9, mtimeNs: 1n, ctimeNs: 2n, device: 1n, inode: 1n, links: 3, ...change }
}

test('finds what was added, and nothing else, through many growths', () => {
  using table = new LinkTable()
  const target = (n: number) => ({
    path: Buffer.from(`folder/${'p'.repeat(n % 300)}/${n}`),
    offset: n * 2 ** 20,
  })
  const identity = (n: number) => file({ device: BigInt(n % 3), inode: BigInt(n) << 20n })
  for (let n = 0; n < 30_000; n++) table.add(identity(n), target(n))
  for (let n = 0; n < 30_000; n++) expect(table.claim(identity(n))).toEqual({ ...target(n), isSame: true })
  expect(table.claim(file({ device: 1n, inode: 0n }))).toBeUndefined()
  expect(table.claim(file({ device: 0n, inode: 1n }))).toBeUndefined()
})

test('holds the largest numbers of a file system', () => {
  using table = new LinkTable()
  const most = 2n ** 64n - 1n
  const identity = file({ device: most, inode: most, mtimeNs: -(2n ** 63n), ctimeNs: 10n ** 21n })
  table.add(identity, { path: Buffer.from([0xff, 0x0a]), offset: 2 ** 52 })
  expect(table.claim(identity)).toEqual({ path: Buffer.from([0xff, 0x0a]), offset: 2 ** 52, isSame: true })
  expect(table.claim({ ...identity, inode: most - 1n })).toBeUndefined()
})

test.each<Partial<LinkIdentity>>([
  { type: 'symlink' },
  { size: 10 },
  { mtimeNs: 2n },
  { ctimeNs: 3n },
  { links: 1 },
])('distinguishes a file that has the inode of another one: %o', (change) => {
  using table = new LinkTable()
  table.add(file(), { path: Buffer.from('first'), offset: 512 })
  expect(table.claim(file(change))).toEqual({ path: Buffer.from('first'), offset: 512, isSame: false })
})

test('distinguishes inodes of one number on devices that differ only in their high bits', () => {
  using table = new LinkTable()
  table.add(file({ device: 1n }), { path: Buffer.from('first'), offset: 0 })
  expect(table.claim(file({ device: 1n + 2n ** 32n }))).toBeUndefined()
  expect(table.claim(file({ device: 1n }))).toMatchObject({ isSame: true })
})

test('gives a file at most as many names as its link count', () => {
  using table = new LinkTable()
  table.add(file(), { path: Buffer.from('first'), offset: 0 })
  const claims = [1, 2, 3].map(() => table.claim(file())?.isSame)
  expect(claims).toEqual([true, true, false])
})

test('links the names of a file that replaced another one to each other', () => {
  using table = new LinkTable()
  table.add(file(), { path: Buffer.from('old'), offset: 0 })
  table.add(file({ ctimeNs: 9n }), { path: Buffer.from('new'), offset: 512 })
  expect(table.claim(file({ ctimeNs: 9n }))).toMatchObject({ path: Buffer.from('new'), isSame: true })
})

test('leaves no file behind', () => {
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  {
    using table = new LinkTable()
    table.add(file(), { path: Buffer.from('a'), offset: 0 })
    expect(open()).toBe(before + 1)
  }
  expect(open()).toBe(before)
})
