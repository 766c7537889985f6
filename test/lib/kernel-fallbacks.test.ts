import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants as system, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bindCached } from '../../src/lib/kernel/cached.ts'
import { KernelError, type Libc, type SystemCall } from '../../src/lib/kernel/libc.ts'
import { bindOpen, openStepwise } from '../../src/lib/kernel/open.ts'
import { type Kernel, loadKernel } from '../../src/lib/kernel.ts'
import { bindMount, canMount, mountTmpfs } from '../support/tmpfs.ts'

const { EAGAIN, EIO, ENOSYS, EOPNOTSUPP, EPERM } = system.errno
const loaded = loadKernel()
const bytes = (text: string) => Buffer.from(text)
const code = (expected: string) => expect.objectContaining({ name: 'KernelError', code: expected })
const openCount = () => readdirSync('/proc/self/fd').length

function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), 'kernel-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const dir = openSync(path, constants.O_DIRECTORY)
  onTestFinished(() => closeSync(dir))
  return { path, dir }
}

/** A libc of which only the calls that a test is about do something. */
function libcOf(calls: { attempt?: SystemCall; bind?: SystemCall }): Libc {
  const none: SystemCall = () => {
    throw new KernelError(ENOSYS, 'none')
  }
  return {
    bind: () => calls.bind ?? none,
    attempt: () => calls.attempt ?? none,
    bindAsync: () => async () => 0,
    addressOf: () => 0n,
  }
}

describe.skipIf(!loaded)('without openat2 (needs glibc)', () => {
  const kernel = loaded as Kernel
  const open = (dir: number, path: string, acrossMounts = false) =>
    openStepwise(kernel.openat, { dir, path: bytes(path), flags: constants.O_RDONLY, acrossMounts })

  test('paths below are opened step by step, and only the last stays open', () => {
    const { path, dir } = makeFolder()
    mkdirSync(join(path, 'a/b'), { recursive: true })
    writeFileSync(join(path, 'a/b/f'), 'x')
    const before = openCount()
    const fd = open(dir, 'a/b/f')
    expect([fstatSync(fd).size, openCount()]).toEqual([1, before + 1])
    closeSync(fd)
  })

  test.each([
    ['a link at the end', 'link', 'ELOOP'],
    ['a link on the way', 'link/f', 'ENOTDIR'],
    ['a way out', '../x', 'EXDEV'],
    ['a way out from below', 'a/../../x', 'EXDEV'],
    ['an absolute path', '/etc/passwd', 'EXDEV'],
    ['a missing file', 'a/nothing', 'ENOENT'],
    ['a NUL', 'a\0b', 'EINVAL'],
  ])('%s is refused, and nothing stays open', (_, name, expected) => {
    const { path, dir } = makeFolder()
    mkdirSync(join(path, 'a'))
    symlinkSync('a', join(path, 'link'))
    writeFileSync(join(path, 'a/f'), 'x')
    const before = openCount()
    expect(() => open(dir, name)).toThrow(code(expected))
    expect(openCount()).toBe(before)
  })

  test.skipIf(!canMount)('another file system is entered only on request (needs mounts)', () => {
    const { path, dir } = makeFolder()
    onTestFinished(mountTmpfs(join(path, 'a')))
    writeFileSync(join(path, 'a/f'), 'x')
    const before = openCount()
    expect(() => open(dir, 'a/f')).toThrow(code('EXDEV'))
    expect(openCount()).toBe(before)
    closeSync(open(dir, 'a/f', true))
  })
})

test.skipIf(!loaded || !canMount)(
  'a bind mount, which has the same device, is not entered from below (needs glibc and mounts)',
  () => {
    const kernel = loaded as Kernel
    const { path, dir } = makeFolder()
    mkdirSync(join(path, 'source'))
    writeFileSync(join(path, 'source/f'), 'x')
    onTestFinished(bindMount(join(path, 'source'), join(path, 'point')))
    expect(() => kernel.openBeneath(dir, bytes('point/f'), constants.O_RDONLY)).toThrow(code('EXDEV'))
    closeSync(kernel.openAcrossMounts(dir, bytes('point/f'), constants.O_RDONLY))
  },
)

describe('openat2', () => {
  /** Answers EAGAIN so many times, after the first call, which looks whether there is such a call. */
  function bindBusy(times: number) {
    let calls = 0
    const bind: SystemCall = () => {
      calls++
      if (calls > 1 && calls <= 1 + times) throw new KernelError(EAGAIN, 'syscall')
      return openSync('/', constants.O_DIRECTORY)
    }
    return { kernel: bindOpen(libcOf({ bind })), calls: () => calls - 1 }
  }

  test('is called again if a rename elsewhere interrupted it, but not endlessly', () => {
    const busy = bindBusy(31)
    closeSync(busy.kernel.openBeneath(0, bytes('x'), constants.O_RDONLY))
    expect(busy.calls()).toBe(32)
    const hanging = bindBusy(1000)
    expect(() => hanging.kernel.openBeneath(0, bytes('x'), constants.O_RDONLY)).toThrow(code('EAGAIN'))
    expect(hanging.calls()).toBe(32)
  })

  test.each([ENOSYS, EPERM])('is replaced if the kernel or a filter refuses it with errno %i', (errno) => {
    const opened: unknown[] = []
    const bind: SystemCall = (first, ...rest) => {
      // SYS_openat2; the other calls are openat.
      if (first === 437) throw new KernelError(errno, 'syscall')
      opened.push(rest[0])
      return openSync('/', constants.O_DIRECTORY)
    }
    const kernel = bindOpen(libcOf({ bind }))
    const root = openSync('/', constants.O_DIRECTORY)
    closeSync(kernel.openBeneath(root, bytes('a/b'), constants.O_RDONLY))
    closeSync(root)
    expect(opened.map((name) => `${name}`)).toEqual(['a\0', 'b\0'])
  })
})

describe('cached content', () => {
  test('is none if the kernel cannot report it', () => {
    const kernel = bindCached(libcOf({ attempt: () => -ENOSYS }))
    expect(kernel.pinCached(0, bytes('x'))).toBeUndefined()
  })

  test.each([EAGAIN, EOPNOTSUPP])(
    'a read with errno %i waits for its turn; another error is thrown',
    (errno) => {
      let answer = -errno
      const kernel = bindCached(libcOf({ attempt: () => answer }))
      expect(kernel.readCached(0, Buffer.alloc(1), 0)).toBeUndefined()
      answer = -EIO
      expect(() => kernel.readCached(0, Buffer.alloc(1), 0)).toThrow(code('EIO'))
    },
  )

  test.skipIf(!loaded)(
    'is read into the buffer of each call, one after the other (needs glibc)',
    ({ skip }) => {
      const kernel = loaded as Kernel
      const { path } = makeFolder()
      writeFileSync(join(path, 'f'), 'content')
      const fd = openSync(join(path, 'f'), 'r')
      onTestFinished(() => closeSync(fd))
      const [a, b] = [Buffer.alloc(7), Buffer.alloc(7)]
      if (kernel.readCached(fd, a, 0) !== 7) return skip('nothing is read without waiting here')
      kernel.readCached(fd, b, 3, 4)
      kernel.readCached(fd, a, 5, 2)
      expect([`${a}`, `${b}`]).toEqual(['ntntent', 'tent\0\0\0'])
    },
  )

  test.skipIf(!loaded)('is pinned without following links (needs glibc)', () => {
    const kernel = loaded as Kernel
    const { path, dir } = makeFolder()
    mkdirSync(join(path, 'a'))
    writeFileSync(join(path, 'a/f'), '')
    symlinkSync('a', join(path, 'link'))
    expect(existsSync(join(path, 'link/f'))).toBe(true)
    let pinned: number | undefined
    try {
      pinned = kernel.pinCached(dir, bytes('link/f'))
    } catch (error) {
      expect(error).toEqual(code('ELOOP'))
    }
    expect(pinned).toBeUndefined()
  })
})

describe.skipIf(!loaded)('unexpected errors are thrown (needs glibc)', () => {
  const kernel = loaded as Kernel
  test.each<[string, (fd: number) => unknown]>([
    ['tryLock', (fd) => kernel.tryLock(fd)],
    ['seekData', (fd) => kernel.seekData(fd, 0)],
    ['listXattrs', (fd) => kernel.listXattrs(fd)],
    ['getXattr', (fd) => kernel.getXattr(fd, bytes('user.a'))],
    ['removeXattr', (fd) => kernel.removeXattr(fd, bytes('user.a'))],
    ['setFlags', (fd) => kernel.setFlags(fd, 0)],
    ['syncfs', (fd) => kernel.syncfs(fd)],
  ])('%s of a closed file', (_, call) => {
    expect(() => call(2 ** 30)).toThrow(code('EBADF'))
  })

  test('a closed file has no flags, no time and no project', async () => {
    const fd = 2 ** 30
    expect([kernel.getFlags(fd), kernel.ctimeOf(fd), kernel.mtimeOf(fd), kernel.getProject(fd)]).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ])
    await expect(kernel.syncfsInThread(fd)).rejects.toEqual(code('EBADF'))
  })

  test('more attributes than most files have are listed, each once', () => {
    const { path } = makeFolder()
    const file = bytes(join(path, 'f'))
    writeFileSync(file, '')
    const names = Array.from({ length: 30 }, (_, n) => `user.attribute-${n}`)
    for (const name of names) kernel.setXattr(file, bytes(name), bytes('x'))
    expect(kernel.listXattrs(file).map(String).toSorted()).toEqual(names.toSorted())
  })

  test('a short name after a long one is read without the rest of the long one', () => {
    const { path, dir } = makeFolder()
    writeFileSync(join(path, 'long-name'), 'x')
    writeFileSync(join(path, 'lo'), '')
    expect(Number(kernel.statAt(dir, bytes('long-name'))?.size)).toBe(1)
    expect(Number(kernel.statAt(dir, bytes('lo'))?.size)).toBe(0)
  })
})
