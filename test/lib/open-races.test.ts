import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KernelError, type Libc, loadLibc } from '../../src/lib/kernel/libc.ts'
import { bindOpen, OPENAT2 } from '../../src/lib/kernel/open.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { tempDir } from '../support/temp-dir.ts'

const libc = loadLibc()
const bytes = (text: string) => Buffer.from(text)
const code = (expected: string) => expect.objectContaining({ code: expected })
const [EPERM, EAGAIN, ENOSYS] = [1, 11, 38]

/** The kernel's own calls, but that openat2 first fails as `failing` says. */
function openWith(failing: () => number | undefined) {
  if (!libc) throw new Error('this test needs glibc')
  const changed: Libc = {
    ...libc,
    bind(prototype) {
      const call = libc.bind(prototype)
      if (prototype !== OPENAT2) return call
      return (...args) => {
        const errno = failing()
        if (errno !== undefined) throw new KernelError(errno, 'syscall')
        return call(...args)
      }
    },
  }
  return bindOpen(changed)
}

function folderWith(path: string): number {
  mkdirSync(join(path, 'a/b'), { recursive: true })
  writeFileSync(join(path, 'a/b/f'), 'x')
  symlinkSync('b', join(path, 'a/link'))
  const dir = openSync(path, constants.O_DIRECTORY)
  onTestFinished(() => closeSync(dir))
  return dir
}

const openFiles = () => readdirSync('/proc/self/fd').length

test.skipIf(!libc)('a path is opened again after renames below it, a limited number of times', () => {
  let failures = 0
  const { openBeneath, openAcrossMounts } = openWith(() => (failures-- > 0 ? EAGAIN : undefined))
  const dir = folderWith(tempDir())
  for (const open of [openBeneath, openAcrossMounts]) {
    failures = 31
    closeSync(open(dir, bytes('a/b/f'), constants.O_RDONLY))
    failures = 32
    expect(() => open(dir, bytes('a/b/f'), constants.O_RDONLY)).toThrow(code('EAGAIN'))
  }
})

test.skipIf(!libc).each([ENOSYS, EPERM])(
  'without openat2 (%d), each step is opened without links, and closed again',
  (errno) => {
    const { openBeneath, openAcrossMounts } = openWith(() => errno)
    const dir = folderWith(tempDir())
    for (const open of [openBeneath, openAcrossMounts]) {
      const before = openFiles()
      const fd = open(dir, bytes('a//b/f'), constants.O_RDONLY)
      expect(fstatSync(fd).size).toBe(1)
      closeSync(fd)
      for (const [path, expected] of [
        ['a/link/f', /ELOOP|ENOTDIR/],
        ['a/b/gone', /ENOENT/],
        ['a/b/f/g', /ENOTDIR/],
        ['a/../a', /EXDEV/],
        ['/etc', /EXDEV/],
      ] as const)
        expect(() => open(dir, bytes(path), constants.O_RDONLY)).toThrow(expected)
      expect(openFiles()).toBe(before)
    }
  },
)

itMounts(
  'without openat2, what is mounted below is another volume, unless mounts are to be entered',
  async () => {
    if (!libc) return
    const { dir: mounted } = smallFileSystem(64)
    writeFileSync(join(mounted, 'f'), 'xy')
    const { openBeneath, openAcrossMounts } = openWith(() => ENOSYS)
    const top = openSync(join(mounted, '..'), constants.O_DIRECTORY)
    onTestFinished(() => closeSync(top))
    const path = bytes(`${mounted.split('/').at(-1)}/f`)
    const before = openFiles()
    expect(() => openBeneath(top, path, constants.O_RDONLY)).toThrow(code('EXDEV'))
    expect(openFiles()).toBe(before)
    const fd = openAcrossMounts(top, path, constants.O_RDONLY)
    expect(fstatSync(fd).size).toBe(2)
    closeSync(fd)
  },
)
