import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { holdRealPath, holdVolume } from '../../src/volume/held-volume.ts'
import { tempDir } from '../support/temp-dir.ts'

const openFiles = () => readdirSync('/proc/self/fd').length

test('a released volume, or one that cannot be held, leaves nothing open', () => {
  const root = tempDir()
  mkdirSync(join(root, 'a/b'), { recursive: true })
  writeFileSync(join(root, 'a/file'), '')
  symlinkSync('b', join(root, 'a/link'))
  const before = openFiles()
  for (const names of [['a', 'b'], ['a'], [], ['a', 'new']]) {
    const volume = holdVolume(root, names)
    expect(openFiles()).toBeGreaterThan(before)
    volume[Symbol.dispose]()
    expect([names, openFiles()]).toEqual([names, before])
  }
  for (const names of [
    ['a', 'file'],
    ['a', 'link'],
    ['a', 'link', 'c'],
    ['gone', 'b'],
  ])
    expect(() => holdVolume(root, names)).toThrow()
  expect(() => holdRealPath(join(root, 'a/link'))).toThrow()
  expect(openFiles()).toBe(before)
})

test('a missing volume is found at the place where it would be created', () => {
  const root = tempDir()
  using volume = holdVolume(root, ['new'])
  expect([volume.exists, volume.currentPath()]).toEqual([false, join(root, 'new')])
  expect(() => volume.place).toThrow(/does not exist/)
  mkdirSync(join(volume.parent, 'new'))
  expect(readdirSync(root)).toEqual(['new'])
})
