import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TreeEntry } from '../../../../src/volume/tree/entry.ts'
import { type FolderStamp, WalkLog } from '../../../../src/volume/tree/recheck/walk-log.ts'

const STAMP: FolderStamp = { device: 1n, inode: 2n ** 64n - 1n, mtimeNs: -5n, ctimeNs: 2n ** 62n }

function file(inode: bigint, ctimeNs: bigint): TreeEntry {
  return {
    type: 'file' as const,
    path: Buffer.from('f'),
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 10,
    mtimeNs: 5n,
    ctimeNs,
    device: 1n,
    inode,
    links: 1,
    major: 0,
    minor: 0,
    linkTarget: null,
    xattrs: [],
    extents: null,
  }
}

/** All names of a directory, in any order. */
function namesAt(log: WalkLog, index: number): string[] {
  const folder = log.folderAt(index)
  return folder ? [...log.names(folder)].flat().map(({ name }) => name.toString('latin1')) : []
}

test('returns every name of every directory, with inode and time', () => {
  const names = fc.array(fc.uint8Array({ minLength: 1, maxLength: 255 }), { maxLength: 300 })
  fc.assert(
    fc.property(fc.array(names, { maxLength: 5 }), fc.bigInt(0n, 2n ** 64n - 1n), (folders, inode) => {
      using log = new WalkLog()
      for (const [at, some] of folders.entries()) {
        const folder = log.openFolder(Buffer.from(`folder ${at}`), STAMP, false)
        for (const name of some) folder?.add(Buffer.from(name), file(inode, -1n), false)
        folder?.close()
      }
      expect(log.folderCount).toBe(folders.length)
      for (const [at, some] of folders.entries()) {
        const folder = log.folderAt(at)
        expect(folder).toMatchObject({ ...STAMP, path: Buffer.from(`folder ${at}`) })
        const expected = some.map((name) => Buffer.from(name).toString('latin1'))
        expect(namesAt(log, at).toSorted()).toEqual(expected.toSorted())
      }
      expect(log.findInodes(new Set([inode])).size).toBe(folders.flat().length > 0 ? 1 : 0)
    }),
    { numRuns: 30 },
  )
})

test('keeps the names of a directory that is listed again, and forgets its old stamp', () => {
  using log = new WalkLog()
  const path = Buffer.from('folder')
  const first = log.openFolder(path, STAMP, false)
  for (let n = 0; n < 1000; n++) first?.add(Buffer.from(`first ${n}`), file(1n, 1n), false)
  first?.close()
  expect(log.openFolder(path, STAMP, true)).toBeUndefined()
  log.listAgain(0)
  expect(log.folderAt(0)).toBeUndefined()
  const second = log.openFolder(path, { ...STAMP, mtimeNs: 9n }, true)
  second?.add(Buffer.from('second'), undefined, false)
  second?.close()
  expect(log.folderAt(1)?.mtimeNs).toBe(9n)
  expect(namesAt(log, 1)).toHaveLength(1001)
})

test('leaves no file behind', () => {
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  {
    using log = new WalkLog()
    log.openFolder(Buffer.from(''), STAMP, false)?.close()
    expect(log.folderAt(0)?.path).toEqual(Buffer.alloc(0))
    expect(open()).toBe(before + 1)
  }
  expect(open()).toBe(before)
})
