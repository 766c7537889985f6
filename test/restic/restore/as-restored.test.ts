import { closeSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { isAsRestored } from '../../../src/restic/restore/as-restored.ts'
import { readXattrs } from '../../../src/volume/tree/attributes.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { readEntryType, toTreeEntry } from '../../../src/volume/tree/stat-entry.ts'
import { openOutputFolder } from '../../../src/volume/tree/write-folder.ts'
import { tempDir } from '../../support/temp-dir.ts'

const kernel = loadKernel()

/** The entry of `dir/name` as a snapshot has it, and what a restore says of it after `change`. */
function existing(dir: string, name: string) {
  const folder = openOutputFolder(dir)
  onTestFinished(() => closeSync(folder.fd))
  const stat = lstatSync(join(dir, name), { bigint: true })
  const type = readEntryType(stat)
  if (!type) throw new Error(`${name} is a socket`)
  const entry = toTreeEntry(type, stat, Buffer.from(name))
  if (kernel) entry.xattrs = readXattrs(kernel, folder.at(Buffer.from(name)))
  const there = { name: Buffer.from(name), type, stat }
  return {
    entry,
    isSame: (change: Partial<TreeEntry> = {}) => isAsRestored({ ...entry, ...change }, there, folder),
  }
}

test.each<[string, (entry: TreeEntry) => Partial<TreeEntry>]>([
  ['owner', ({ uid }) => ({ uid: uid + 1 })],
  ['group', ({ gid }) => ({ gid: gid + 1 })],
  ['mode', ({ mode }) => ({ mode: mode ^ 0o4 })],
  ['size', ({ size }) => ({ size: size + 1 })],
  ['time', ({ mtimeNs }) => ({ mtimeNs: mtimeNs + 1n })],
  ['type', () => ({ type: 'fifo' })],
  ['flags', () => ({ flags: 0x40 })],
])('a file with another %s would be restored again', (_what, change) => {
  const dir = tempDir()
  writeFileSync(join(dir, 'file'), 'content')
  const { entry, isSame } = existing(dir, 'file')
  expect([isSame(), isSame(change(entry))]).toEqual([true, false])
})

test('a directory is the same whatever its time, a symlink whatever its mode', () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'inner'))
  symlinkSync('target', join(dir, 'link'))
  const [inner, link] = [existing(dir, 'inner'), existing(dir, 'link')]
  expect([inner.isSame({ mtimeNs: 1n }), inner.isSame({ mode: 0o1 })]).toEqual([true, false])
  const linkTarget = Buffer.from('target')
  expect([link.isSame({ linkTarget, mode: 0 }), link.isSame({ linkTarget: Buffer.from('other') })]).toEqual([
    true,
    false,
  ])
  expect(link.isSame({ linkTarget, mtimeNs: 1n })).toBe(false)
})

test('a device with another number would be restored again', () => {
  const { entry, isSame } = existing('/dev', 'null')
  expect([isSame(), isSame({ major: entry.major + 1 }), isSame({ minor: entry.minor + 1 })]).toEqual([
    true,
    false,
    false,
  ])
})

describe.skipIf(!kernel)('extended attributes', () => {
  const xattr = (name: string, value: string) => ({ name: Buffer.from(name), value: Buffer.from(value) })

  test('count in any order, each with its value', () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'file'), 'content')
    const [a, b] = [xattr('user.a', '1'), xattr('user.b', '2')]
    for (const { name, value } of [a, b]) kernel?.setXattr(Buffer.from(join(dir, 'file')), name, value)
    const { isSame } = existing(dir, 'file')
    expect(isSame({ xattrs: [b, a] })).toBe(true)
    for (const xattrs of [[a], [a, xattr('user.b', '1')], [a, xattr('user.c', '2')], []])
      expect(isSame({ xattrs })).toBe(false)
  })
})
