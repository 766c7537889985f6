import { closeSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { findChange } from '../../../src/restic/restore/find-change.ts'
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
    changeAfter: (change: Partial<TreeEntry> = {}) => findChange({ ...entry, ...change }, there, folder),
  }
}

test.each<[string, 'overwrite' | 'metadata', (entry: TreeEntry) => Partial<TreeEntry>]>([
  ['owner', 'metadata', ({ uid }) => ({ uid: uid + 1 })],
  ['group', 'metadata', ({ gid }) => ({ gid: gid + 1 })],
  ['mode', 'metadata', ({ mode }) => ({ mode: mode ^ 0o4 })],
  ['size', 'overwrite', ({ size }) => ({ size: size + 1 })],
  ['time', 'overwrite', ({ mtimeNs }) => ({ mtimeNs: mtimeNs + 1n })],
  ['type', 'overwrite', () => ({ type: 'fifo' })],
  ['flags', 'metadata', () => ({ flags: 0x40 })],
])('a file with another %s would be restored again: %s', (_what, kind, change) => {
  const dir = tempDir()
  writeFileSync(join(dir, 'file'), 'content')
  const { entry, changeAfter } = existing(dir, 'file')
  expect([changeAfter(), changeAfter(change(entry))]).toEqual(['none', kind])
})

test('a directory is the same whatever its time, a symlink whatever its mode', () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'inner'))
  symlinkSync('target', join(dir, 'link'))
  const [inner, link] = [existing(dir, 'inner'), existing(dir, 'link')]
  expect([inner.changeAfter({ mtimeNs: 1n }), inner.changeAfter({ mode: 0o1 })]).toEqual(['none', 'metadata'])
  const linkTarget = Buffer.from('target')
  const changes = [{ mode: 0 }, { mtimeNs: 1n }, { linkTarget: Buffer.from('other') }]
  const found = changes.map((change) => link.changeAfter({ linkTarget, ...change }))
  expect(found).toEqual(['none', 'metadata', 'overwrite'])
})

test('a device with another number would be restored again', () => {
  const { entry, changeAfter } = existing('/dev', 'null')
  const changes = [{}, { major: entry.major + 1 }, { minor: entry.minor + 1 }]
  expect(changes.map(changeAfter)).toEqual(['none', 'overwrite', 'overwrite'])
})

describe.skipIf(!kernel)('extended attributes', () => {
  const xattr = (name: string, value: string) => ({ name: Buffer.from(name), value: Buffer.from(value) })

  test('count in any order, each with its value', () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'file'), 'content')
    const [a, b] = [xattr('user.a', '1'), xattr('user.b', '2')]
    for (const { name, value } of [a, b]) kernel?.setXattr(Buffer.from(join(dir, 'file')), name, value)
    const { changeAfter } = existing(dir, 'file')
    expect(changeAfter({ xattrs: [b, a] })).toBe('none')
    for (const xattrs of [[a], [a, xattr('user.b', '1')], [a, xattr('user.c', '2')], []])
      expect(changeAfter({ xattrs })).toBe('metadata')
  })
})
