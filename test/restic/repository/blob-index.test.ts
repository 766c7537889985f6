import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { BlobIndex } from '../../../src/restic/repository/blob-index.ts'

const idOf = (n: number) => createHash('sha256').update(String(n)).digest()
const packOf = (n: number) => createHash('sha256').update(`pack ${n}`).digest('hex')

test('200,000 blobs of both types are found at their places, and no others', () => {
  const index = new BlobIndex()
  for (let n = 0; n < 200_000; n++) {
    const pack = index.internPack(packOf(n >> 10))
    const type = n % 3 === 0 ? 'tree' : 'data'
    index.add({
      type,
      id: idOf(n),
      pack,
      offset: n,
      length: 100 + n,
      plainLength: n % 2 === 0 ? 0 : 2 ** 32 - 1,
    })
  }
  expect(index.size).toBe(200_000)
  for (let n = 0; n < 200_000; n += 7) {
    const type = n % 3 === 0 ? 'tree' : 'data'
    const entry = index.find(type, idOf(n))
    expect(index.placeAt(entry)).toEqual({
      pack: packOf(n >> 10),
      offset: n,
      length: 100 + n,
      plainLength: n % 2 === 0 ? 68 + n : 2 ** 32 - 1,
      compressed: n % 2 === 1,
    })
    expect(index.idAt(entry)).toEqual(idOf(n))
    expect(index.has(type === 'tree' ? 'data' : 'tree', idOf(n))).toBe(false)
    expect(index.has(type, idOf(n + 1_000_000))).toBe(false)
  }
})

test('copies of a blob are kept in order of arrival, and the same copy once', () => {
  const index = new BlobIndex()
  const blob = { type: 'data' as const, id: idOf(1), offset: 0, length: 50, plainLength: 0 }
  for (const pack of ['a', 'b', 'a', 'b', 'c']) index.add({ ...blob, pack: index.internPack(pack) })
  index.add({ ...blob, pack: index.internPack('a'), offset: 50 })
  for (let n = 100; n < 20_000; n++) index.add({ ...blob, id: idOf(n), pack: 0 })
  const copies = index.copies('data', idOf(1)).map((entry) => index.placeAt(entry))
  expect(copies.map(({ pack, offset }) => `${pack}${offset}`)).toEqual(['a0', 'b0', 'c0', 'a50'])
  expect(index.placeAt(index.find('data', idOf(1))).pack).toBe('a')
})

test('a copy in a damaged pack comes last, and does not count', () => {
  const distrusted = new Set(['a', 'c'])
  const index = new BlobIndex(distrusted)
  const blob = { type: 'data' as const, id: idOf(1), offset: 0, length: 50, plainLength: 0 }
  for (const pack of ['a', 'b', 'c']) index.add({ ...blob, pack: index.internPack(pack) })
  const packs = () => index.copies('data', idOf(1)).map((entry) => index.placeAt(entry).pack)
  expect(packs()).toEqual(['b', 'a', 'c'])
  expect(index.placeAt(index.find('data', idOf(1))).pack).toBe('b')
  expect(index.has('data', idOf(1))).toBe(true)
  distrusted.add('b')
  expect(packs()).toEqual(['a', 'b', 'c'])
  expect(index.placeAt(index.find('data', idOf(1))).pack).toBe('a')
  expect(index.has('data', idOf(1))).toBe(false)
})

test('an invalid id is an error of the caller', () => {
  expect(() => new BlobIndex().find('data', Buffer.alloc(31))).toThrow(RangeError)
})

test('a blob of a removed pack is found only in its other copies, and the pack may return', () => {
  const index = new BlobIndex()
  const blob = { type: 'data' as const, id: idOf(1), offset: 0, length: 50, plainLength: 0 }
  for (const pack of ['a', 'b']) index.add({ ...blob, pack: index.internPack(pack) })
  index.forgetPack(0)
  expect(index.placeAt(index.find('data', idOf(1))).pack).toBe('b')
  expect(index.copies('data', idOf(1))).toEqual([1])
  index.forgetPack(1)
  expect(index.has('data', idOf(1))).toBe(false)
  index.add({ ...blob, pack: index.internPack('b') })
  expect(index.copies('data', idOf(1))).toEqual([1])
  expect(index.size).toBe(2)
})
