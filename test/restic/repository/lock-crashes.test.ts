import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { lockRepository } from '../../../src/restic/repository/lock.ts'
import { removeStaleLocks } from '../../../src/restic/repository/remove-stale-locks.ts'
import { type FaultyDriver, faultyDriver } from '../../support/faulty-driver.ts'
import { given } from '../../support/given.ts'
import { killAndWait, lockRepositoryInChild } from '../../support/lock-child.ts'
import { recordDisk } from '../../support/recorded-disk.ts'

const MINUTE = 60_000
const HANG_UP = 'SIGHUP'

/** A repository on a driver with faults, whose locks are looked at every 5 ms. */
async function faultyLocks() {
  const drivers: FaultyDriver[] = []
  const world = await given.repository({
    driverOf: (dir) => {
      const driver = faultyDriver(localDriver(dir))
      drivers.push(driver)
      return driver
    },
  })
  const { repository } = world
  const { signal } = new AbortController()
  const lock = async (exclusive: boolean) => {
    const held = await lockRepository(repository, {
      exclusive,
      dataDir: `${world.dir}/daemon`,
      waitMs: 0,
      signal,
      tickMs: 5,
    })
    onTestFinished(() => held[Symbol.asyncDispose]())
    return held
  }
  const locks = () =>
    readdirSync(world.path).includes('locks') ? readdirSync(join(world.path, 'locks')) : []
  const journal = () => readdirSync(`${world.dir}/daemon/repository-locks`)
  return { ...world, repository, driver: drivers[0] as FaultyDriver, lock, locks, journal }
}

test('a lock and its journal are on disk, each before it is relied on', async () => {
  const { dir, lock } = await faultyLocks()
  const { steps } = await recordDisk(dir)
  const held = await lock(false)
  const known = steps.map((step) =>
    step
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
      .replaceAll(/[0-9a-f]{64}/g, 'ID')
      .replaceAll('10.0.0.1/', ''),
  )
  // The journal gets the repository first, then the lock's id.
  expect(known.filter((step) => !/ (daemon|\.|repo|)$/.test(step))).toEqual([
    'sync daemon/repository-locks/UUID',
    'sync daemon/repository-locks',
    'sync daemon/repository-locks/UUID',
    'sync repo/tmp/backupd-UUID',
    'link repo/tmp/backupd-UUID repo/locks/ID',
    'sync repo/locks',
  ])
  steps.length = 0
  await held[Symbol.asyncDispose]()
  expect(steps).toEqual(['sync 10.0.0.1/repo/locks'])
})

test('a lock that could not be removed at the end is removed by the next run of the process', async () => {
  const { driver, warnings, lock, locks, journal } = await faultyLocks()
  const held = await lock(true)
  driver.fail('remove')
  await held[Symbol.asyncDispose]()
  driver.assertAllHit()
  expect(warnings).toEqual([expect.stringContaining('the next run removes it')])
  expect([locks().length, journal().length]).toEqual([1, 1])
  const next = await lock(true)
  expect(locks()).toHaveLength(1)
  await next[Symbol.asyncDispose]()
  expect([locks(), journal()]).toEqual([[], []])
})

test('a lock that was left stays known while another repository of the same daemon is locked', async () => {
  const { dir, driver, lock, locks, journal } = await faultyLocks()
  const left = await lock(true)
  driver.fail('remove')
  await left[Symbol.asyncDispose]()
  const { repository: other } = await given.repository()
  const { signal } = new AbortController()
  const otherLock = { exclusive: true, dataDir: `${dir}/daemon`, waitMs: 0, signal }
  await (await lockRepository(other, otherLock))[Symbol.asyncDispose]()
  expect([locks().length, journal().length]).toEqual([1, 1])
  await (await lock(true))[Symbol.asyncDispose]()
  expect([locks(), journal()]).toEqual([[], []])
})

test('a lock of another that ends between its listing and its reading does not count', async () => {
  const { repository, driver, path, lock, locks } = await faultyLocks()
  const facts = { time: new Date().toISOString(), exclusive: true, hostname: 'far', username: 'ann', pid: 7 }
  const other = await repository.saveUnpacked('locks', Buffer.from(JSON.stringify(facts)))
  const { open } = driver
  driver.open = (name) => {
    if (name.endsWith(other)) rmSync(join(path, 'locks', other), { force: true })
    return open.call(driver, name)
  }
  await lock(true)
  expect(locks()).not.toContain(other)
  expect(locks()).toHaveLength(1)
})

test('a lock whose publication fails although it took effect leaves nothing', async () => {
  const { driver, lock, locks, journal } = await faultyLocks()
  driver.fail('committed')
  await expect(lock(true)).rejects.toThrow('Failed as ordered')
  driver.assertAllHit()
  expect([locks(), journal()]).toEqual([[], []])
})

test('a lock that was neither created nor removed is removed by the next run', async () => {
  const { driver, lock, locks, journal } = await faultyLocks()
  driver.fail('committed')
  driver.fail('remove')
  await expect(lock(true)).rejects.toThrow('Failed as ordered, at: committed')
  expect([locks().length, journal().length]).toEqual([1, 1])
  await (await lock(true))[Symbol.asyncDispose]()
  expect([locks(), journal()]).toEqual([[], []])
})

test('the age of a lock counts from before it was written, however long that takes', async () => {
  const { clock, driver, lock, locks } = await faultyLocks()
  const held = await lock(false)
  const [first] = locks()
  const createIn = driver.createIn.bind(driver)
  let isSlow = true
  driver.createIn = (folder) => {
    if (!isSlow) return Promise.reject(new Error('no more'))
    isSlow = false
    clock.ms += 10 * MINUTE
    return createIn(folder)
  }
  clock.ms += 6 * MINUTE
  await expect.poll(() => locks().length === 1 && locks()[0] !== first).toBe(true)
  await held.assertHeld()
  clock.ms += 13 * MINUTE
  await expect(held.assertHeld()).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
})

test('after one failed refresh and one success, the next is due in five minutes again', async () => {
  const { clock, driver, warnings, lock, locks } = await faultyLocks()
  await lock(false)
  const [first] = locks()
  driver.fail('createIn')
  clock.ms += 6 * MINUTE
  await expect.poll(() => warnings.length).toBe(1)
  expect(locks()).toEqual([first])
  clock.ms += MINUTE
  await expect.poll(() => locks().length === 1 && locks()[0] !== first).toBe(true)
  const [second] = locks()
  clock.ms += 5 * MINUTE
  await expect.poll(() => locks().length === 1 && locks()[0] !== second).toBe(true)
})

test('a signal to check whether a lock lives does not end a process that holds one', async () => {
  const { repository, dir, lock } = await faultyLocks()
  const before = process.listenerCount(HANG_UP)
  const [one, other] = [await lock(false), await lock(false)]
  expect(process.listenerCount(HANG_UP)).toBe(before + 1)
  for (let twice = 0; twice < 2; twice++) await one[Symbol.asyncDispose]()
  expect(process.listenerCount(HANG_UP)).toBe(before + 1)
  const options = { exclusive: true, dataDir: `${dir}/daemon`, waitMs: 0 }
  const { signal } = new AbortController()
  await expect(lockRepository(repository, { ...options, signal })).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
  })
  expect(process.listenerCount(HANG_UP)).toBe(before + 1)
  await other[Symbol.asyncDispose]()
  expect(process.listenerCount(HANG_UP)).toBe(before)
})

test('the journal of a dead run is removed when the removal of its locks is on disk', async () => {
  const { dir, place, journal } = await faultyLocks()
  await killAndWait(await lockRepositoryInChild(dir, false))
  const driver = localDriver(dir)
  const syncFolder = driver.syncFolder.bind(driver)
  const journals: number[] = []
  driver.syncFolder = async (folder) => {
    await syncFolder(folder)
    journals.push(journal().length)
  }
  await removeStaleLocks(driver, `${dir}/daemon`)
  expect([journals, journal()]).toEqual([[1], []])
  expect(place.base).toBe('10.0.0.1/repo')
})
