import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { acquireLocks, isRunning, lifeLock, listLifeLocks, volumeLock } from '../../src/engine/run-locks.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type Kernel, loadKernel } from '../../src/lib/kernel.ts'
import { newRid } from '../../src/wire/ids.ts'
import { runSettings } from '../support/run-settings.ts'

const kernel = loadKernel()
const testWithFlock = test.skipIf(kernel === undefined)

/** Does something right before the first flock, when the lock file is open already. */
function interrupted(before: () => void): Kernel {
  if (!kernel) throw new Error('this test needs flock')
  let isFirst = true
  return {
    ...kernel,
    tryLock(fd) {
      if (isFirst) before()
      isFirst = false
      return kernel.tryLock(fd)
    },
  }
}

async function lockFile() {
  const { dataDir } = await runSettings()
  const name = lifeLock(newRid(Date.now()))
  mkdirSync(join(dataDir, 'locks'))
  return { dataDir, name, file: join(dataDir, 'locks', name) }
}

testWithFlock(
  'a lock file that another process made again before the flock is not locked twice',
  async () => {
    const { dataDir, name, file } = await lockFile()
    const racing = interrupted(() => {
      rmSync(file)
      const other = openSync(file, 'w+')
      onTestFinished(() => closeSync(other))
      expect(kernel?.tryLock(other)).toBe(true)
    })
    await expect(acquireLocks(dataDir, [name], { kernel: racing })).rejects.toMatchObject({
      code: 'CONFLICT',
      facts: { lock: name },
    })
  },
)

testWithFlock('a lock file that was removed before the flock is made again, not locked unseen', async () => {
  const { dataDir, name, file } = await lockFile()
  const racing = interrupted(() => rmSync(file))
  const held = await acquireLocks(dataDir, [name], {
    wait: { ms: 60_000, clock: systemClock },
    kernel: racing,
  })
  expect(statSync(file).size).toBeGreaterThan(0)
  await expect(acquireLocks(dataDir, [name])).rejects.toMatchObject({
    code: 'CONFLICT',
    facts: { lock: name, pid: process.pid },
  })
  held.release()
})

test.each([
  ['flock', {}],
  ['files that name their process', { kernel: undefined }],
])('%s: locks taken before a held one are released', async (_name, how) => {
  const { dataDir } = await runSettings()
  const held = await acquireLocks(dataDir, ['b'], how)
  await expect(acquireLocks(dataDir, ['a', 'b'], how)).rejects.toMatchObject({
    facts: { lock: 'b' },
  })
  const first = await acquireLocks(dataDir, ['a'], how)
  first.release()
  held.release()
})

testWithFlock('the file of a volume lock stays, so that nobody locks a removed one', async () => {
  const { dataDir } = await runSettings()
  const name = volumeLock('/data/db')
  const held = await acquireLocks(dataDir, [name])
  held.release()
  expect(readdirSync(join(dataDir, 'locks'))).toEqual([name])
})

test('a run whose lock cannot be asked for is neither running nor over', async () => {
  const { dataDir, name, file } = await lockFile()
  mkdirSync(file)
  const rid = name.slice(lifeLock('').length)
  await expect(isRunning(dataDir, rid)).rejects.toThrow('EISDIR')
})

test('life locks are none if their folder does not exist, but unknown if it cannot be read', async () => {
  const { dataDir } = await runSettings()
  expect(await listLifeLocks(dataDir)).toEqual([])
  writeFileSync(join(dataDir, 'locks'), '')
  await expect(listLifeLocks(dataDir)).rejects.toThrow('ENOTDIR')
})

testWithFlock('a link in place of a lock file is not followed', async () => {
  const { dataDir, name, file } = await lockFile()
  const elsewhere = join(dataDir, 'elsewhere')
  writeFileSync(elsewhere, 'of somebody else')
  symlinkSync(elsewhere, file)
  await expect(acquireLocks(dataDir, [name])).rejects.toThrow('ELOOP')
  expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody else')
})
