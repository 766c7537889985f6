import { expect, test } from 'vitest'
import type { Mount } from '../../../src/lib/mount-info.ts'
import { collectInodes } from '../../../src/volume/swap/inode-set.ts'
import { findPlaceOnDevice, isWithin } from '../../../src/volume/swap/mount-table.ts'

function mount(point: string, device: string, root = '/'): Mount {
  return { point, device, root } as Mount
}

test('of stacked mounts the newest counts, and of nested ones the deepest', () => {
  const mounts = [mount('/', '8:1'), mount('/v', '8:2'), mount('/v', '8:3', '/below'), mount('/v2', '8:4')]
  expect(findPlaceOnDevice('/v/a', mounts)).toEqual({ device: '8:3', path: '/below/a' })
  expect(findPlaceOnDevice('/v', mounts)).toEqual({ device: '8:3', path: '/below' })
  expect(findPlaceOnDevice('/v2/a', mounts)).toEqual({ device: '8:4', path: '/a' })
  expect(findPlaceOnDevice('/va', mounts)).toEqual({ device: '8:1', path: '/va' })
  expect(findPlaceOnDevice('/v', [mount('/other', '8:1')])).toBeUndefined()
})

test('a path is within itself and its parents, not within similar names', () => {
  expect(isWithin('/a', '/a')).toBe(true)
  expect(isWithin('/a/b', '/a')).toBe(true)
  expect(isWithin('/a', '/')).toBe(true)
  expect(isWithin('/ab', '/a')).toBe(false)
  expect(isWithin('/a', '/a/b')).toBe(false)
})

test('thousands of inodes are recognized, and no others', async () => {
  const known = Array.from({ length: 5000 }, (_, n) => BigInt((n * 7919) % 5000) * 2n + 2n ** 63n)
  const set = await collectInodes(
    (async function* () {
      for (const inode of known) yield { inode }
    })(),
  )
  for (const inode of known) {
    expect(set.has(inode)).toBe(true)
    expect(set.has(inode + 1n)).toBe(false)
  }
  expect(set.has(0n)).toBe(false)
})
