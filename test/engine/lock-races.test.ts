import fs, { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { acquirePidFile } from '../../src/engine/pid-file.ts'
import { acquireLocks, lifeLock } from '../../src/engine/run-locks.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { newRid } from '../../src/wire/ids.ts'
import { runSettings } from '../support/run-settings.ts'
import { tempDir } from '../support/temp-dir.ts'

const kernel = loadKernel()
const DEAD = '4194303 1\n'

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

test.skipIf(!kernel)(
  'the file of a life lock is removed while it is locked, so that no other holder loses it',
  async () => {
    const { dataDir } = await runSettings()
    const held = await acquireLocks(dataDir, [lifeLock(newRid(Date.now()))])
    const { unlinkSync } = fs
    const locked: boolean[] = []
    vi.spyOn(fs, 'unlinkSync').mockImplementation((path) => {
      const fd = openSync(path, 'r+')
      locked.push(kernel?.tryLock(fd) === false)
      closeSync(fd)
      unlinkSync(path)
    })
    syncBuiltinESMExports()
    held.release()
    expect(locked).toEqual([true])
    expect(readdirSync(join(dataDir, 'locks'))).toEqual([])
  },
)

test('a lock that another process took over at the same moment stays with it', () => {
  const folder = tempDir()
  const [file, other] = [join(folder, 'lock'), join(folder, 'other')]
  const living = acquirePidFile(other)
  const alive = readFileSync(other, 'utf8')
  writeFileSync(file, DEAD)
  const { renameSync } = fs
  vi.spyOn(fs, 'renameSync').mockImplementationOnce((from, to) => {
    writeFileSync(from, alive)
    renameSync(from, to)
  })
  syncBuiltinESMExports()
  expect(acquirePidFile(file)).toBeUndefined()
  expect(readFileSync(file, 'utf8')).toBe(alive)
  expect(readdirSync(folder).sort()).toEqual(['lock', 'other'])
  living?.release()
})

test('a holder that ends while its start time is read is dead', () => {
  const file = join(tempDir(), 'lock')
  writeFileSync(file, `${process.ppid} 1\n`)
  const { readFileSync } = fs
  vi.spyOn(fs, 'readFileSync').mockImplementation(((path: string, ...more: [BufferEncoding]) => {
    if (path !== `/proc/${process.ppid}/stat`) return readFileSync(path, ...more)
    throw Object.assign(new Error('ESRCH: no such process, read'), { code: 'ESRCH' })
  }) as typeof readFileSync)
  syncBuiltinESMExports()
  const held = acquirePidFile(file)
  expect(held).toBeDefined()
  held?.release()
})

test('a lock whose holder cannot be read is not taken', () => {
  const file = join(tempDir(), 'lock')
  writeFileSync(file, DEAD)
  vi.spyOn(fs, 'renameSync').mockImplementationOnce(() => {
    throw Object.assign(new Error('EPERM: operation not permitted, rename'), { code: 'EPERM' })
  })
  syncBuiltinESMExports()
  expect(() => acquirePidFile(file)).toThrow('EPERM')
  expect(readFileSync(file, 'utf8')).toBe(DEAD)
})

test('a lock of a dead run that another process removes at the same moment is taken, and nothing is left', () => {
  const folder = tempDir()
  const file = join(folder, 'lock')
  writeFileSync(file, DEAD)
  const { renameSync } = fs
  vi.spyOn(fs, 'renameSync').mockImplementationOnce((from, to) => {
    fs.rmSync(from)
    renameSync(from, to)
  })
  syncBuiltinESMExports()
  const held = acquirePidFile(file)
  expect(held).toBeDefined()
  expect(readdirSync(folder)).toEqual(['lock'])
  held?.release()
  expect(readdirSync(folder)).toEqual([])
})
