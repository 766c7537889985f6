import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { openFolderBeneath, openOutputFolder } from '../../../src/volume/tree/write-folder.ts'
import { TreeWriter } from '../../../src/volume/tree/write-tree.ts'
import { posixAcl } from '../../support/tree-make.ts'
import { type Bench, isRoot, makeBench } from '../../support/unpack-kit.ts'

const kernel = loadKernel()
const ACCESS = Buffer.from('system.posix_acl_access')
const DEFAULT = Buffer.from('system.posix_acl_default')
/** user::rwx, user:1234:rw-, group::r--, mask::rwx, other::--- */
const ACL = posixAcl([
  [1, 7],
  [2, 6, 1234],
  [4, 4],
  [16, 7],
  [32, 0],
])

let bench: Bench
let warnings: string[]
let writer: TreeWriter

beforeEach(() => {
  bench = makeBench()
  warnings = []
  writer = new TreeWriter(bench.target, ({ path, message }) => warnings.push(`${path}: ${message}`))
})

afterEach(() => {
  writer.close()
  bench[Symbol.dispose]()
})

function made(type: TreeEntry['type'], path: string, facts: Partial<TreeEntry> = {}): TreeEntry {
  const unknown = { ctimeNs: 0n, device: 0n, inode: 0n, links: 1, major: 0, minor: 0, linkTarget: null }
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const rest = { mode: 0o755, size: 0, mtimeNs: 1n, xattrs: [], extents: null, ...owner, ...unknown }
  return { type, path: Buffer.from(path), ...rest, ...facts }
}

function contentOf(...pieces: string[]) {
  const left = pieces.map((piece) => Buffer.from(piece))
  return { next: async () => left.shift() ?? null }
}

const write = (entry: TreeEntry, ...pieces: string[]) => writer.write(entry, contentOf(...pieces))
const stat = (path: string) => lstatSync(`${bench.target}/${path}`, { bigint: true })
const read = (path: string) => readFileSync(`${bench.target}/${path}`, 'utf8')

describe('TreeWriter', () => {
  test('writes a file in pieces with mode, and time to the nanosecond', async () => {
    await write(made('file', 'f', { mode: 0o4711, mtimeNs: 1_234_567_890_123_456_789n }), 'one ', 'two')
    expect(read('f')).toBe('one two')
    expect(stat('f').mode & 0o7777n).toBe(0o4711n)
    expect(stat('f').mtimeNs).toBe(1_234_567_890_123_456_789n)
  })

  test('writes a sparse file whose pieces do not match its extents, the rest as holes', async () => {
    const extents = [
      { offset: 4096, length: 6 },
      { offset: 1_000_000, length: 3 },
    ]
    await write(made('file', 's', { extents, size: 5_000_000 }), 'ab', 'cdefg', 'hi')
    const bytes = readFileSync(`${bench.target}/s`)
    expect(bytes.toString('latin1', 4096, 4102)).toBe('abcdef')
    expect(bytes.toString('latin1', 1_000_000, 1_000_003)).toBe('ghi')
    expect(bytes.length).toBe(5_000_000)
    expect(bytes.reduce((sum, byte) => sum + Math.min(byte, 1), 0)).toBe(9)
    expect(stat('s').blocks).toBeLessThan(64n)
  })

  test('sets mode and time of directories at the end, whatever came after them', async () => {
    await write(made('directory', 'd', { mode: 0o2500, mtimeNs: 5n }))
    await write(made('directory', 'd/e', { mode: 0o1777, mtimeNs: 6n }))
    await write(made('file', 'd/e/f'), 'x')
    expect(stat('d').mode & 0o7777n).toBe(0o700n)
    writer.finish()
    expect([stat('d').mode & 0o7777n, stat('d').mtimeNs]).toEqual([0o2500n, 5n])
    expect([stat('d/e').mode & 0o7777n, stat('d/e').mtimeNs]).toEqual([0o1777n, 6n])
  })

  test('uses the later of two records of one directory, below the root and deeper', async () => {
    for (const mode of [0o711, 0o750, 0o705]) {
      await write(made('directory', 'd', { mode, mtimeNs: BigInt(mode) }))
      await write(made('directory', 'd/e', { mode, mtimeNs: BigInt(mode) }))
    }
    writer.finish()
    for (const path of ['d', 'd/e'])
      expect([stat(path).mode & 0o7777n, stat(path).mtimeNs]).toEqual([0o705n, 0o705n])
  })

  test('writes thousands of directories, more than it keeps in memory', async () => {
    const entries = Array.from({ length: 6000 }, (_, n) =>
      made('directory', n % 3 === 0 ? `${n}` : `${n - (n % 3)}/${n}`, {
        mode: 0o700 + (n % 64),
        mtimeNs: BigInt(n),
      }),
    )
    for (const entry of entries) await write(entry)
    expect(readdirSync(bench.target)).toHaveLength(2000)
    writer.finish()
    for (const { path, mode, mtimeNs } of entries) {
      expect([Number(stat(`${path}`).mode & 0o7777n), stat(`${path}`).mtimeNs]).toEqual([mode, mtimeNs])
    }
    expect(readdirSync(bench.target)).toHaveLength(2000)
  })

  test('sets times of symlinks themselves', async () => {
    await write(made('symlink', 'l', { linkTarget: Buffer.from([0xff, 0x20]), mtimeNs: 77n }))
    expect(readlinkSync(`${bench.target}/l`, { encoding: 'buffer' })).toEqual(Buffer.from([0xff, 0x20]))
    expect(stat('l').mtimeNs).toBe(77n)
  })

  test('writes hard links, also to a symlink, and keeps the time of their target', async () => {
    await write(made('file', 'a/f', { mtimeNs: 9n }), 'x')
    await write(made('symlink', 'a/l', { linkTarget: Buffer.from('f') }))
    expect(writer.hardLink(Buffer.from('b/f'), Buffer.from('a/f'))).toBe('file')
    expect(writer.hardLink(Buffer.from('b/l'), Buffer.from('a/l'))).toBe('other')
    expect([stat('b/f').ino, stat('b/l').ino]).toEqual([stat('a/f').ino, stat('a/l').ino])
    expect(stat('b/f').mtimeNs).toBe(9n)
  })

  test('does not follow a symlink on the way', async () => {
    mkdirSync(`${bench.path}/outside`)
    await write(made('symlink', 'l', { linkTarget: Buffer.from(`${bench.path}/outside`) }))
    await expect(write(made('file', 'l/f'), 'x')).rejects.toThrow(/ELOOP|ENOTDIR/)
    expect(() => writer.hardLink(Buffer.from('h'), Buffer.from('l/f'))).toThrow(/ELOOP|ENOTDIR/)
    expect(readdirSync(`${bench.path}/outside`)).toEqual([])
  })

  test('does not write into a folder that replaced an open one', async () => {
    mkdirSync(`${bench.path}/outside`)
    await write(made('file', 'd/f'), 'x')
    await write(made('symlink', 'd', { linkTarget: Buffer.from(`${bench.path}/outside`) }))
    await expect(write(made('file', 'd/g'), 'x')).rejects.toThrow(/ELOOP|ENOTDIR/)
    expect(readdirSync(`${bench.path}/outside`)).toEqual([])
  })

  test('writes more folders than it keeps open', async () => {
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 100; n++) await write(made('file', `d${n}/${round}`), `${n}`)
    }
    expect(read('d0/1') + read('d99/0')).toBe('099')
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(100)
  })

  test('handles existing entries when everything moves below a directory', async () => {
    await write(made('directory', 'd', { mode: 0o711, mtimeNs: 3n }))
    await write(made('file', 'd/f'), 'x')
    await write(made('file', 'top'), 'y')
    writer.moveBelow(Buffer.from('top'), made('directory', '', { mode: 0o750, mtimeNs: 4n }))
    await write(made('file', 'beside'), 'z')
    writer.finish()
    expect(read('top/d/f') + read('top/top') + read('beside')).toBe('xyz')
    expect([stat('top').mode & 0o777n, stat('top').mtimeNs, stat('top/d').mtimeNs]).toEqual([0o750n, 4n, 3n])
  })
})

describe.runIf(kernel && isRoot)('TreeWriter as root', () => {
  test('sets the owner before the mode, a capability after both, and times last', async () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    const xattrs = [{ name: Buffer.from('security.capability'), value: capability }]
    const facts = { mode: 0o6755, uid: 4294967294, gid: 4294967294, xattrs, mtimeNs: -1n }
    await write(made('file', 'f', facts), 'x')
    const { mode, uid, gid, mtimeNs } = stat('f')
    expect([mode & 0o7777n, uid, gid, mtimeNs]).toEqual([0o6755n, 4294967294n, 4294967294n, -1n])
    expect(kernel?.getXattr(Buffer.from(`${bench.target}/f`), xattrs[0]?.name ?? DEFAULT)).toEqual(capability)
  })

  test('writes an access ACL after other attributes, and does not inherit a default ACL', async () => {
    const xattrs = [
      { name: DEFAULT, value: ACL },
      { name: ACCESS, value: ACL },
      { name: Buffer.from('user.k'), value: Buffer.from('v\0') },
    ]
    await write(made('directory', 'd', { xattrs, mode: 0o770, mtimeNs: 8n }))
    await write(made('directory', 'd/e', { mode: 0o700 }))
    await write(made('file', 'd/f', { mode: 0o600 }), 'x')
    writer.finish()
    const names = (path: string) =>
      kernel
        ?.listXattrs(Buffer.from(`${bench.target}/${path}`))
        .map(String)
        .toSorted()
    expect(names('d')).toEqual([`${ACCESS}`, `${DEFAULT}`, 'user.k'])
    expect([names('d/e'), names('d/f')]).toEqual([[], []])
    expect([stat('d').mode & 0o777n, stat('d').mtimeNs]).toEqual([0o770n, 8n])
  })

  test('inherits no default ACL of the target', async () => {
    writer.close()
    kernel?.setXattr(Buffer.from(bench.target), DEFAULT, ACL)
    writer = new TreeWriter(bench.target, () => {})
    await write(made('file', 'a/f'), 'x')
    await write(made('directory', 'd'))
    writer.finish()
    for (const path of ['a', 'a/f', 'd'])
      expect(kernel?.listXattrs(Buffer.from(`${bench.target}/${path}`))).toEqual([])
  })

  test('writes fifos and devices with owner, mode, attributes and time', async () => {
    const xattrs = [{ name: Buffer.from('trusted.t'), value: Buffer.from('v') }]
    const facts = { mode: 0o1606, uid: 7, gid: 8, mtimeNs: 12n, xattrs }
    await write(made('fifo', 'p', facts))
    await write(made('chardev', 'c', { ...facts, major: 300, minor: 70_000 }))
    await write(made('blockdev', 'b', { ...facts, major: 8, minor: 1 }))
    for (const path of ['p', 'c', 'b']) {
      const { mode, uid, gid, mtimeNs } = stat(path)
      expect([mode & 0o7777n, uid, gid, mtimeNs]).toEqual([0o1606n, 7n, 8n, 12n])
      expect(
        kernel?.getXattr(Buffer.from(`${bench.target}/${path}`), Buffer.from('trusted.t'))?.toString(),
      ).toBe('v')
    }
    expect(stat('c').rdev).toBe(BigInt(300 * 256 + (70_000 % 256) + Math.floor(70_000 / 256) * 2 ** 20))
    expect(warnings).toEqual([])
  })

  test('opens a tree deeper than the longest path step by step', async (context) => {
    if (!kernel) return context.skip('this machine has no libc to open it with')
    const depth = 300
    const opens = vi.spyOn(kernel, 'openBeneath')
    const pathAt = (level: number) => Array.from({ length: level }, () => 'd'.repeat(100)).join('/')
    for (let level = 1; level <= depth; level++)
      await write(made('directory', pathAt(level), { mode: 0o700 + (level % 8) }))
    writer.finish()
    const count = opens.mock.calls.length
    opens.mockRestore()
    expect(count).toBeLessThan(4 * depth)
    for (const level of [1, 39, 40, 41, 200, depth]) {
      const root = openOutputFolder(bench.target)
      const { fd } = openFolderBeneath(root, Buffer.from(pathAt(level)))
      expect(fstatSync(fd).mode & 0o7777).toBe(0o700 + (level % 8))
      closeSync(fd)
      closeSync(root.fd)
    }
    expect(warnings).toEqual([])
  })

  test('reports an attribute that does not fit as a fault, not as a full disk', async () => {
    const big = { name: Buffer.from('user.big'), value: Buffer.alloc(60_000, 'v') }
    writeFileSync(`${bench.path}/probe`, '')
    const fits = (() => {
      try {
        kernel?.setXattr(Buffer.from(`${bench.path}/probe`), big.name, big.value)
        return true
      } catch {
        return false
      }
    })()
    await write(made('file', 'f', { xattrs: [big] }), 'x')
    writer.finish()
    const lost = ': the extended attributes (user.*) of 1 entry could not be restored (ENOSPC), such as "f"'
    expect(warnings).toEqual(fits ? [] : [lost])
  })
})

test('is not affected by the umask of the process', async () => {
  const before = process.umask(0o077)
  try {
    await write(made('file', 'implied/file', { mode: 0o666 }), 'x')
    await write(made('directory', 'folder', { mode: 0o2777 }))
    writer.moveBelow(Buffer.from('top'), null)
    writer.finish()
  } finally {
    process.umask(before)
  }
  const modes = ['top', 'top/implied', 'top/implied/file', 'top/folder'].map(
    (path) => stat(path).mode & 0o7777n,
  )
  expect(modes).toEqual([0o755n, 0o755n, 0o666n, 0o2777n])
})
