import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import { KernelError } from '../../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { lockFile } from '../../../src/objects/drivers/local-lock.ts'
import {
  copyObject,
  createSmall,
  readSmall,
  tryReadSmall,
  tryRemove,
} from '../../../src/objects/small-objects.ts'
import { lockInChild } from '../../support/store-child.ts'
import { tempDir } from '../../support/temp-dir.ts'

const ENOLCK = 37
const EBADF = 9
const openCount = () => readdirSync('/proc/self/fd').length

test('a fifo in place of an object is refused without waiting, and nothing stays open', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'ns/folder'), { recursive: true })
  execFileSync('mkfifo', [join(dir, 'ns/fifo')])
  const driver = localDriver(dir)
  await driver.stat('ns/fifo')
  const before = openCount()
  for (const name of ['ns/fifo', 'ns/folder'])
    await expect(driver.open(name)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(openCount()).toBe(before)
})

test('a list of which only the first names are read leaves nothing open', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'ns'))
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, 'ns', name), '')
  const driver = localDriver(dir)
  const before = openCount()
  for await (const _ of driver.names('ns')) break
  for await (const _ of driver.list('ns')) break
  expect(openCount()).toBe(before)
})

test('a link to a folder beside the store with a similar name leads out', async () => {
  const base = tempDir()
  mkdirSync(join(base, 'store'))
  mkdirSync(join(base, 'store-of-another'))
  writeFileSync(join(base, 'store-of-another/secret'), 'secret')
  symlinkSync(join(base, 'store-of-another'), join(base, 'store/ns'))
  await expect(localDriver(join(base, 'store')).open('ns/secret')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('leads out of the store'),
  })
})

test('an object whose content could not be synced is never published', async () => {
  const dir = tempDir()
  const writer = await localDriver(dir).create('ns/object')
  await writer.write(Buffer.from('lost'))
  const handle = await open(dir)
  const methods = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  vi.spyOn(methods, 'sync').mockRejectedValueOnce(Object.assign(new Error('EIO'), { code: 'EIO' }))
  onTestFinished(() => void vi.restoreAllMocks())
  for (const end of [writer.sync, writer.sync, writer.commit])
    await expect(end()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await writer.abort()
  expect(readdirSync(join(dir, 'ns'))).toEqual([])
})

test('giving up an object never fails, also in a store that is gone', async () => {
  const dir = join(tempDir(), 'store')
  mkdirSync(dir)
  const writer = await localDriver(dir).create('ns/object')
  renameSync(dir, `${dir}-unmounted`)
  const before = openCount()
  await writer.abort()
  expect(openCount()).toBe(before - 1)
})

test('an object of several pieces is copied whole', async () => {
  const driver = localDriver(tempDir())
  const content = randomBytes(2_500_000)
  await createSmall(driver, 'ns/from', content)
  await copyObject(driver, 'ns/from', 'ns/to')
  expect((await readSmall(driver, 'ns/to'))?.equals(content)).toBe(true)
})

test('what is wrong with one object is told from a store that is gone', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'ns/object/child'), { recursive: true })
  const driver = localDriver(dir)
  const gone = new BackupdError('STORE_UNAVAILABLE', 'the store is gone')
  const check = driver.check
  driver.check = () => Promise.reject(gone)
  await expect(tryReadSmall(driver, 'ns/object')).rejects.toBe(gone)
  await expect(tryRemove(driver, 'ns/object')).rejects.toBe(gone)
  driver.check = check
  const { content, problem } = await tryReadSmall(driver, 'ns/object')
  expect([content, problem]).toEqual([undefined, expect.any(String)])
  expect(await tryRemove(driver, 'ns/object')).toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('an outage of the store is no problem of one object, even if the store answers again at once', async () => {
  const driver = localDriver(tempDir())
  const facts = { object: 'ns/object', transient: true }
  const outage = new BackupdError('STORE_UNAVAILABLE', 'the endpoint cannot be reached', { facts })
  driver.open = () => Promise.reject(outage)
  driver.remove = () => Promise.reject(outage)
  await expect(tryReadSmall(driver, 'ns/object')).rejects.toBe(outage)
  await expect(tryRemove(driver, 'ns/object')).rejects.toBe(outage)
})

test('only a store that is unavailable is asked whether one object is at fault', async () => {
  const driver = localDriver(tempDir())
  const full = new BackupdError('STORE_FULL', 'the store is full')
  driver.open = () => Promise.reject(full)
  driver.remove = () => Promise.reject(full)
  await expect(tryReadSmall(driver, 'ns/object')).rejects.toBe(full)
  await expect(tryRemove(driver, 'ns/object')).rejects.toBe(full)
})

test('a file with the maximum number of links is still published', async () => {
  const dir = tempDir()
  const driver = localDriver(dir)
  const writer = await driver.create('ns/a')
  const [file = ''] = readdirSync(join(dir, 'ns'))
  linkSync(join(dir, 'ns', file), join(dir, 'ns/b'))
  await writer.commit()
  expect(readdirSync(join(dir, 'ns')).sort()).toEqual(['a', 'b'])
})

test('callers of one process get a lock in turn, however many wait and leave', async () => {
  const path = join(tempDir(), 'lock')
  const order: number[] = []
  let inside = 0
  const visit = async (n: number) => {
    await using _lock = await lockFile(path)
    expect(++inside).toBe(1)
    order.push(n)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  const first = visit(0)
  const others = [1, 2, 3].map(visit)
  await first
  // Comes when one has left and others wait.
  await Promise.all([...others, visit(4)])
  expect(order).toEqual([0, 1, 2, 3, 4])
})

/** As a file system whose flock answers `errno`. */
function refuseLocks(errno: number): void {
  const kernel = loadKernel()
  if (!kernel) return
  vi.spyOn(kernel, 'tryLock').mockImplementation(() => {
    throw new KernelError(errno, 'flock')
  })
  onTestFinished(() => void vi.restoreAllMocks())
}

test('without flock, callers of one process exclude each other anyway', async () => {
  refuseLocks(ENOLCK)
  const path = join(tempDir(), 'lock')
  const held = await lockFile(path)
  let isOther = false
  const other = lockFile(path).then((lock) => {
    isOther = true
    return lock
  })
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(isOther).toBe(false)
  await held[Symbol.asyncDispose]()
  await (await other)[Symbol.asyncDispose]()
})

test.skipIf(!loadKernel())(
  'a lock that fails leaves nothing open, and the next caller gets it (needs libc)',
  async () => {
    const path = join(tempDir(), 'lock')
    refuseLocks(EBADF)
    const before = openCount()
    await expect(lockFile(path)).rejects.toMatchObject({ code: 'EBADF' })
    expect(openCount()).toBe(before)
    vi.restoreAllMocks()
    await (await lockFile(path))[Symbol.asyncDispose]()
  },
)

test.skipIf(!loadKernel())(
  'waiting for a lock of another process ends after a minute (needs libc)',
  async () => {
    const dir = tempDir()
    const child = await lockInChild(dir, 'ns/.lock')
    onTestFinished(() => void child.kill('SIGKILL'))
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 20_000
      return now
    })
    onTestFinished(() => void vi.restoreAllMocks())
    const before = openCount()
    await expect(lockFile(join(dir, 'ns/.lock'))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('for over a minute'),
    })
    expect([openCount(), now]).toEqual([before, 100_000])
  },
)
