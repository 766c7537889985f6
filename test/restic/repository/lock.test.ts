import { spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import type { Driver, ObjectName } from '../../../src/objects/driver.ts'
import { FileDriver } from '../../../src/objects/drivers/file-driver.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { localPlace } from '../../../src/objects/drivers/local-place.ts'
import { withLocalLocks } from '../../../src/objects/wrap/local-locks.ts'
import { lockRepository } from '../../../src/restic/repository/lock.ts'
import { removeStaleLocks } from '../../../src/restic/repository/remove-stale-locks.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { aroundCommit } from '../../support/around-commit.ts'
import { faultyDriver } from '../../support/faulty-driver.ts'
import type { RepositoryOptions } from '../../support/given/repository.ts'
import { given } from '../../support/given.ts'
import { killAndWait, lockRepositoryInChild } from '../../support/lock-child.ts'
import { addSnapshot, idOf } from '../../support/repository-content.ts'
import { hasRestic } from '../../support/restic.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MINUTE = 60_000

async function lockable(options: RepositoryOptions = {}) {
  const world = await given.repository(options)
  const { repository } = world
  const locks = () =>
    readdirSync(world.path).includes('locks') ? readdirSync(join(world.path, 'locks')) : []
  const lock = async (
    exclusive: boolean,
    options: { waitMs?: number; signal?: AbortSignal; of?: Repository } = {},
  ) => {
    const { waitMs = 0, signal = new AbortController().signal, of = repository } = options
    const held = await lockRepository(of, {
      exclusive,
      dataDir: `${world.dir}/daemon`,
      waitMs,
      signal,
      tickMs: 5,
    })
    onTestFinished(() => held[Symbol.asyncDispose]())
    return held
  }
  return {
    ...world,
    repository,
    locks,
    lock,
    journal: () => readdirSync(`${world.dir}/daemon/repository-locks`),
  }
}

test('shared locks coexist; an exclusive lock is alone and names the holder in its way', async () => {
  const { lock, locks, journal } = await lockable()
  const first = await lock(false)
  const second = await lock(false)
  expect(locks()).toHaveLength(2)
  await expect(lock(true)).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
    facts: { pid: process.pid, exclusive: false, stale: false },
  })
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  const alone = await lock(true)
  await expect(lock(false)).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED', facts: { exclusive: true } })
  await alone[Symbol.asyncDispose]()
  expect(locks()).toEqual([])
  expect(journal()).toEqual([])
})

test('a waiting caller gets the lock when it is free, and stops waiting on request', async () => {
  const { lock, locks } = await lockable()
  const held = await lock(true)
  const waiting = lock(false, { waitMs: 30_000 })
  const controller = new AbortController()
  const cancelled = lock(true, { waitMs: 30_000, signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(cancelled).rejects.toThrow('enough')
  expect(locks()).toHaveLength(1)
  await held[Symbol.asyncDispose]()
  const got = await waiting
  expect(got.signal.aborted).toBe(false)
})

test('a lock of a dead run of ours is removed, one of a living run is not', async () => {
  const { dir, lock, locks, journal } = await lockable()
  const child = await lockRepositoryInChild(dir, true)
  await expect(lock(false)).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
    facts: { pid: child.pid ?? 0 },
  })
  await killAndWait(child)
  expect(locks()).toHaveLength(1)
  const held = await lock(true)
  expect(locks()).toHaveLength(1)
  await held[Symbol.asyncDispose]()
  expect(locks()).toEqual([])
  expect(journal()).toEqual([])
})

test('locks of dead runs are removed from any repository, and unknown ones are left', async () => {
  const { dir, place, repository, lock, locks, journal } = await lockable()
  const remove = () => removeStaleLocks(place.driver, `${dir}/daemon`)
  const child = await lockRepositoryInChild(dir, false)
  expect(await remove()).toEqual([])
  const [left = ''] = locks()
  await killAndWait(child)
  expect(await remove()).toEqual([`10.0.0.1/repo/locks/${left}`])
  expect(locks()).toEqual([])
  expect(journal()).toEqual([])

  const other = await lockRepositoryInChild(dir, false)
  for (const id of locks()) await repository.removeUnpacked('locks', id)
  await killAndWait(other)
  expect(await remove()).toEqual([])
  expect(journal()).toHaveLength(1)
  await (await lock(true))[Symbol.asyncDispose]()
  expect(journal()).toEqual([])
})

test('a lock without a journal of ours stays, however old it is, and is named', async () => {
  const { repository, clock, lock, locks } = await lockable()
  const foreign = { time: '2020-01-01T00:00:00Z', exclusive: true, hostname: 'far', username: 'ann', pid: 7 }
  await repository.saveUnpacked('locks', Buffer.from(JSON.stringify(foreign)))
  clock.ms = Date.now()
  await expect(lock(false)).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
    message: expect.stringMatching(/process 7 of ann on far since 2020.*restic unlock/),
    facts: { stale: true },
  })
  expect(locks()).toHaveLength(1)
})

/** Shows each new name 180 ms late, as a network store may do. */
class LateNamesDriver extends FileDriver {
  override async *names(folder: string): AsyncIterable<ObjectName> {
    for await (const entry of super.names(folder)) {
      const stat = await this.stat(`${folder}/${entry.name}`)
      if (stat && Date.now() - stat.modifiedMs > 180) yield entry
    }
  }
}

test('if names appear late, at most one of two callers gets the lock', async () => {
  const abilities = { durability: 'acknowledged', showsNamesAtOnce: false } as const
  const driverOf = (dir: string) => {
    const driver = new LateNamesDriver('late', abilities, localPlace(dir))
    return withLocalLocks(driver, { lockDir: tempDir(), store: dir })
  }
  const { lock } = await lockable({ driverOf })
  const both = await Promise.allSettled([lock(true), lock(true)])
  expect(both.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
})

test('if two callers check before either has added its lock, at most one gets it', async () => {
  const { lock, locks } = await lockable()
  for (let round = 0; round < 20; round++) {
    const both = await Promise.allSettled([lock(true), lock(round % 2 === 0)])
    const held = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(held.length).toBeLessThan(2)
    expect(locks()).toHaveLength(held.length)
    for (const one of held) await one[Symbol.asyncDispose]()
  }
})

test('an unreadable lock file blocks, an empty one does not', async () => {
  const { path, lock, repository } = await lockable()
  await (await lock(false))[Symbol.asyncDispose]()
  writeFileSync(join(path, 'locks', '0'.repeat(64)), '')
  await (await lock(true))[Symbol.asyncDispose]()
  writeFileSync(join(path, 'locks', '1'.repeat(64)), 'nonsense')
  await expect(lock(false)).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
    message: expect.stringContaining('1'.repeat(64)),
  })
  expect(repository.place.base).toBe('10.0.0.1/repo')
})

test('a lock is refreshed every five minutes: the new one exists before the old one is removed', async () => {
  const { clock, lock, locks } = await lockable()
  const held = await lock(false)
  const [first] = locks()
  clock.ms += 4 * MINUTE
  await held.assertHeld()
  expect(locks()).toEqual([first])
  clock.ms += 2 * MINUTE
  await expect.poll(() => locks().length === 1 && locks()[0] !== first).toBe(true)
  const [second] = locks()
  // Set back by an hour: others would read a time that is far ahead.
  clock.ms -= 60 * MINUTE
  await expect.poll(() => locks().length === 1 && locks()[0] !== second).toBe(true)
  await held.assertHeld()
})

test('a lock that is released during a refresh leaves nothing', async () => {
  const begun = Promise.withResolvers<void>()
  const goesOn = Promise.withResolvers<void>()
  const published = Promise.withResolvers<void>()
  let isSlow = false
  const slowly = (dir: string): Driver => {
    const driver = aroundCommit(localDriver(dir), async (_name, commit) => {
      await commit()
      if (isSlow) published.resolve()
    })
    const createIn = driver.createIn.bind(driver)
    return Object.assign(driver, {
      async createIn(folder: string) {
        if (isSlow) {
          begun.resolve()
          await goesOn.promise
        }
        return createIn(folder)
      },
    })
  }
  const { clock, lock, locks, journal } = await lockable({ driverOf: slowly })
  const held = await lock(false)
  isSlow = true
  clock.ms += 6 * MINUTE
  await begun.promise
  const released = held[Symbol.asyncDispose]()
  await new Promise((resolve) => setImmediate(resolve))
  goesOn.resolve()
  await Promise.all([released, published.promise])
  expect([locks(), journal()]).toEqual([[], []])
})

test.each(['stands still', 'is set back'])('a lock grows old also while the wall clock %s', async (how) => {
  const faulty = { driver: faultyDriver(localDriver('/')) }
  const { clock, lock } = await lockable({
    driverOf: (dir) => {
      faulty.driver = faultyDriver(localDriver(dir))
      return faulty.driver
    },
  })
  let elapsed = 0
  Object.assign(clock, { elapsed: () => elapsed })
  const held = await lock(false)
  faulty.driver.fail('createIn').times(1000)
  if (how === 'is set back') clock.ms -= 60 * MINUTE
  elapsed += 22 * MINUTE - 1
  await held.assertHeld()
  elapsed += 1
  await expect(held.assertHeld()).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
})

test('a lock that could not be refreshed for 22 minutes is lost', async () => {
  const faulty = { driver: faultyDriver(localDriver('/')) }
  const { clock, lock, warnings } = await lockable({
    driverOf: (dir) => {
      faulty.driver = faultyDriver(localDriver(dir))
      return faulty.driver
    },
  })
  const held = await lock(false)
  faulty.driver.fail('createIn').times(1000)
  clock.ms += 6 * MINUTE
  await expect.poll(() => warnings).toEqual([expect.stringContaining('could not be refreshed')])
  await held.assertHeld()
  clock.ms += 15 * MINUTE
  await held.assertHeld()
  clock.ms += 2 * MINUTE
  await expect(held.assertHeld()).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(held.signal.reason).toMatchObject({ message: expect.stringContaining('22 minutes') })
})

test('a lock that somebody removed by force is lost', async () => {
  const { repository, lock, locks, clock } = await lockable()
  const [held, noticing] = [await lock(false), await lock(false)]
  for (const id of locks()) await repository.removeUnpacked('locks', id)
  await expect(held.assertHeld()).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(noticing.signal.aborted).toBe(false)
  clock.ms += 6 * MINUTE
  await expect.poll(() => noticing.signal.aborted).toBe(true)
})

test('after locking, changes of others are known', async () => {
  const { open, lock, repository } = await lockable()
  const other = await open()
  const content = Buffer.from('made by another')
  const snapshot = await addSnapshot(other, { file: content })
  const held = await lock(false)
  expect(held.snapshots).toEqual([snapshot])
  expect(repository.blobSize('data', idOf(content))).toBe(content.length)
  for await (const id of other.listUnpacked('index')) await other.removeUnpacked('index', id)
  await lock(false)
  expect(repository.blobSize('data', idOf(content))).toBeUndefined()
})

describe.skipIf(!hasRestic)('with restic (needs restic)', () => {
  it('respects its locks, and restic respects ours', async () => {
    const { lock, locks, path, passwordFile, restic, volume: files } = await lockable()
    writeFileSync(join(files, 'file'), 'content')
    const shared = await lock(false)
    restic('backup', files)
    expect(() => restic('prune')).toThrow(`PID ${process.pid}`)
    await shared[Symbol.asyncDispose]()
    const exclusive = await lock(true)
    expect(() => restic('backup', files)).toThrow(`PID ${process.pid}`)
    restic('unlock')
    expect(locks()).toHaveLength(1)
    await exclusive[Symbol.asyncDispose]()

    const args = ['-r', path, '--password-file', passwordFile, '--no-cache', 'backup', '--stdin']
    const other = spawn('restic', args, { stdio: ['pipe', 'ignore', 'ignore'] })
    onTestFinished(() => void other.kill('SIGKILL'))
    await expect.poll(() => locks().length, { timeout: 30_000 }).toBe(1)
    await (await lock(false))[Symbol.asyncDispose]()
    await expect(lock(true)).rejects.toMatchObject({ facts: { pid: other.pid ?? 0 } })
    await killAndWait(other)
    await expect(lock(true)).rejects.toMatchObject({ facts: { pid: other.pid ?? 0 } })
  })
})
