import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeDevice, readMajor, readMinor } from '../../src/lib/kernel/device-number.ts'
import { O_PATH } from '../../src/lib/kernel/open.ts'
import type { FileStat } from '../../src/lib/kernel/stat.ts'
import { type Kernel, loadKernel } from '../../src/lib/kernel.ts'

const loaded = loadKernel()
const bytes = (text: string) => Buffer.from(text)
const numbers = (stat: FileStat | undefined) =>
  stat && [
    ...[stat.mode, stat.uid, stat.gid, stat.nlink, stat.size].map(Number),
    ...[stat.mtimeNs, stat.ctimeNs, stat.dev, stat.rdev, stat.ino],
  ]
const code = (expected: string) => expect.objectContaining({ name: 'KernelError', code: expected })

describe.skipIf(!loaded)('the kernel’s calls (need glibc)', () => {
  const kernel = loaded as Kernel
  let path: string
  let dir: number
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'kernel-'))
    dir = openSync(path, constants.O_DIRECTORY)
  })
  afterEach(() => {
    closeSync(dir)
    rmSync(path, { recursive: true, force: true })
  })
  const at = (name: string) => ({ dir, name: bytes(name) })

  test('openBeneath opens what lies below', () => {
    mkdirSync(join(path, 'a/b'), { recursive: true })
    writeFileSync(join(path, 'a/b/f'), 'x')
    const fd = kernel.openBeneath(dir, bytes('a/b/f'), constants.O_RDONLY)
    expect(fstatSync(fd).size).toBe(1)
    closeSync(fd)
  })

  test.each([
    ['a link at the end', 'link', 'ELOOP'],
    ['a link on the way', 'link/f', 'ELOOP'],
    ['a way out', '../x', 'EXDEV'],
    ['a way out from below', 'a/../../x', 'EXDEV'],
    ['an absolute path', '/etc/passwd', 'EXDEV'],
    ['a missing file', 'nothing', 'ENOENT'],
    ['a NUL', 'a\0b', 'EINVAL'],
  ])('openBeneath refuses %s', (_, name, expected) => {
    mkdirSync(join(path, 'a'))
    symlinkSync('a', join(path, 'link'))
    expect(() => kernel.openBeneath(dir, bytes(name), constants.O_RDONLY)).toThrow(code(expected))
  })

  test('attributes are stored as bytes, on files, paths and pinned entries', () => {
    writeFileSync(join(path, 'f'), '')
    const file = bytes(join(path, 'f'))
    kernel.setXattr(file, bytes('user.a'), Buffer.from([0, 10, 255]))
    kernel.setXattr(file, bytes('user.empty'), Buffer.alloc(0))
    const fd = openSync(file, 'r')
    const pinned = kernel.openat(dir, bytes('f'), O_PATH)
    for (const target of [file, fd, { pinned }]) {
      expect(kernel.listXattrs(target).map(String).toSorted()).toEqual(['user.a', 'user.empty'])
      expect(kernel.getXattr(target, bytes('user.a'))).toEqual(Buffer.from([0, 10, 255]))
      expect(kernel.getXattr(target, bytes('user.none'))).toBeUndefined()
    }
    kernel.removeXattr(fd, bytes('user.a'))
    kernel.removeXattr(fd, bytes('user.a'))
    expect(kernel.listXattrs(fd).map(String)).toEqual(['user.empty'])
    closeSync(fd)
    closeSync(pinned)
  })

  test('pinning a link pins the link, not its target', () => {
    writeFileSync(join(path, 'f'), '')
    kernel.setXattr(bytes(join(path, 'f')), bytes('user.a'), bytes('x'))
    symlinkSync('f', join(path, 'link'))
    const pinned = kernel.openat(dir, bytes('link'), O_PATH | constants.O_NOFOLLOW)
    expect(kernel.listXattrs({ pinned })).toEqual([])
    expect(kernel.readlinkat(pinned, Buffer.alloc(0))).toEqual(bytes('f'))
    closeSync(pinned)
  })

  test('stat returns what Node returns, also for a link, and nothing for a missing name', () => {
    writeFileSync(join(path, 'f'), 'some')
    symlinkSync('nowhere', join(path, 'link'))
    mkdirSync(join(path, 'd'))
    for (const name of ['f', 'link', 'd']) {
      expect(numbers(kernel.statAt(dir, bytes(name)))).toEqual(
        numbers(lstatSync(join(path, name), { bigint: true })),
      )
    }
    const devices = openSync('/dev', constants.O_DIRECTORY)
    expect(numbers(kernel.statAt(devices, bytes('null')))).toEqual(
      numbers(lstatSync('/dev/null', { bigint: true })),
    )
    closeSync(devices)
    expect(kernel.statAt(dir, bytes('gone'))).toBeUndefined()
    expect(() => kernel.statAt(dir, bytes('f\0'))).toThrow(code('EINVAL'))
  })

  test('times are set to the nanosecond, also before 1970, and one may stay unchanged', () => {
    symlinkSync('x', join(path, 'link'))
    kernel.utimensat(dir, bytes('link'), { atimeNs: 5n, mtimeNs: -1n })
    kernel.utimensat(dir, bytes('link'), { mtimeNs: -157_766_400_000_000_001n })
    const { atimeNs, mtimeNs } = lstatSync(join(path, 'link'), { bigint: true })
    expect({ atimeNs, mtimeNs }).toEqual({ atimeNs: 5n, mtimeNs: -157_766_400_000_000_001n })
    const fd = openSync(join(path, 'f'), 'w')
    kernel.futimens(fd, { mtimeNs: 1_577_934_245_123_456_789n })
    expect(fstatSync(fd, { bigint: true }).mtimeNs).toBe(1_577_934_245_123_456_789n)
    closeSync(fd)
  })

  test('renames replace, refuse to replace, or exchange', () => {
    for (const name of ['a', 'b']) kernel.mkdirat(dir, bytes(name), 0o700)
    writeFileSync(join(path, 'a/inside'), '')
    expect(() => kernel.renameat2(at('a'), at('b'), 'noReplace')).toThrow(code('EEXIST'))
    kernel.renameat2(at('a'), at('b'), 'exchange')
    expect(readdirSync(join(path, 'b'))).toEqual(['inside'])
    kernel.renameat2(at('b'), at('a'))
    expect(readdirSync(path)).toEqual(['a'])
  })

  test('names are created and removed', () => {
    kernel.symlinkat(bytes('target'), dir, bytes('link'))
    kernel.linkat(at('link'), at('hard'))
    kernel.mknodat(dir, bytes('fifo'), { mode: constants.S_IFIFO | 0o600, major: 0, minor: 0 })
    kernel.fchmodat(dir, bytes('fifo'), 0o640)
    expect(readlinkSync(join(path, 'hard'))).toBe('target')
    expect(statSync(join(path, 'fifo')).mode & 0o777).toBe(0o640)
    expect(() => kernel.fchmodat(dir, bytes('link'), 0o600)).toThrow(code('ENOTSUP'))
    for (const name of ['link', 'hard', 'fifo']) kernel.unlinkat(dir, bytes(name))
    kernel.mkdirat(dir, bytes('d'), 0o700)
    expect(() => kernel.unlinkat(dir, bytes('d'))).toThrow(code('EISDIR'))
    kernel.rmdirat(dir, bytes('d'))
    expect(readdirSync(path)).toEqual([])
  })

  test('holes are found and created', () => {
    const fd = openSync(join(path, 'f'), 'w+')
    writeSync(fd, 'DATA', 1 << 20)
    truncateSync(join(path, 'f'), 4 << 20)
    expect(kernel.seekData(fd, 0)).toBe(1 << 20)
    expect(kernel.seekHole(fd, 1 << 20)).toBeLessThan(2 << 20)
    expect(kernel.seekData(fd, 2 << 20)).toBeUndefined()
    kernel.punchHole(fd, 0, 2 << 20)
    expect(kernel.seekData(fd, 0)).toBeUndefined()
    expect(fstatSync(fd).size).toBe(4 << 20)
    closeSync(fd)
  })

  test('a lock is held once, until it is released', () => {
    const [a, b] = [openSync(join(path, 'lock'), 'w'), openSync(join(path, 'lock'), 'w')]
    expect([kernel.tryLock(a), kernel.tryLock(b)]).toEqual([true, false])
    kernel.unlock(a)
    expect(kernel.tryLock(b)).toBe(true)
    closeSync(a)
    closeSync(b)
  })

  test('cached content is read, and missing content is reported', () => {
    writeFileSync(join(path, 'f'), 'content')
    const into = Buffer.alloc(20)
    const fd = openSync(join(path, 'f'), 'r')
    const count = kernel.readCached(fd, into.subarray(5, 15), 3)
    if (count !== undefined) expect(into.toString('latin1', 5, 5 + count)).toBe('tent')
    const pinned = kernel.pinCached(dir, bytes('f'))
    if (pinned !== undefined) {
      expect(fstatSync(pinned).ino).toBe(fstatSync(fd).ino)
      expect(kernel.pinCached(dir, bytes('..'))).toBeUndefined()
      closeSync(pinned)
    }
    closeSync(fd)
  })
})

test.each([
  [0, 0],
  [1, 3],
  [4095, 1_048_575],
  [2 ** 32 - 1, 2 ** 32 - 1],
])('device %d:%d is composed and decomposed', (major, minor) => {
  const device = makeDevice(major, minor)
  expect([readMajor(device), readMinor(device)]).toEqual([major, minor])
})
