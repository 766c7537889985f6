import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import type { PackWriter } from '../../../src/restic/repository/repository.ts'
import { aroundCommit } from '../../support/around-commit.ts'
import { type DriverCall, type FaultyDriver, faultyDriver } from '../../support/faulty-driver.ts'
import { given } from '../../support/given.ts'
import { blobOf, collectIds } from '../../support/repository-content.ts'
import { NO_LOCK } from '../../support/repository-samples.ts'
import { hasRestic } from '../../support/restic.ts'

const MIB = 1024 * 1024

test.each<[DriverCall, string]>([
  ['write', 'while packs are written'],
  ['sync', 'when a pack is synced'],
  ['commit', 'when a pack is published'],
  ['committed', 'when a pack is published, although it took effect'],
])('a store that fails at %s, %s, ends the run without a snapshot', async (call) => {
  let faulty: FaultyDriver | undefined
  const world = await given.repository({
    driverOf: (dir) => {
      faulty = faultyDriver(localDriver(dir))
      return faulty
    },
  })
  for (let n = 0; n < 40; n++) writeFileSync(join(world.volume, `${n}`), randomBytes(MIB))
  const { repository } = world
  faulty?.fail(call)
  await expect(world.snapshot(repository)).rejects.toMatchObject({ name: 'BackupdError' })
  faulty?.assertAllHit()
  expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual([])
  expect(readdirSync(join(world.path, 'tmp'))).toEqual(['create.lock'])
})

test.each(['index', 'snapshots'])(
  'a small object of %s that cannot be published leaves nothing half written',
  async (folder) => {
    const world = await given.repository({
      driverOf: (dir) =>
        aroundCommit(localDriver(dir), async (name, commit) => {
          if (name.includes(`/${folder}/`)) throw new Error('not published')
          await commit()
        }),
    })
    writeFileSync(join(world.volume, 'file'), 'content')
    await expect(world.snapshot(world.repository)).rejects.toThrow('not published')
    expect(readdirSync(join(world.path, 'tmp'))).toEqual(['create.lock'])
  },
)

test('a run that fails at its last step leaves nothing half written, and adds no more', async () => {
  const world = await given.repository()
  writeFileSync(join(world.volume, 'file'), randomBytes(MIB))
  const { repository } = world
  const began: PackWriter[] = []
  const { beginPacks } = repository
  repository.beginPacks = (options) => {
    const packs = beginPacks.call(repository, options)
    began.push(packs)
    return packs
  }
  const describe = () => {
    throw new Error('not described')
  }
  await expect(world.snapshot(repository, { describe })).rejects.toThrow('not described')
  expect(readdirSync(join(world.path, 'tmp'))).toEqual(['create.lock'])
  const plain = Buffer.from('too late')
  await expect(began[0]?.add(blobOf(repository, 'data', plain))).rejects.toThrow('abandoned')
})

test('a run cancelled while its snapshot is published ends after that, under its lock', async () => {
  const cancelling = new AbortController()
  const published = Promise.withResolvers<void>()
  const world = await given.repository({
    driverOf: (dir) => {
      return aroundCommit(localDriver(dir), async (name, commit) => {
        if (name.includes('/snapshots/')) {
          cancelling.abort(new Error('cancelled'))
          await setImmediate()
        }
        await commit()
        if (name.includes('/snapshots/')) published.resolve()
      })
    },
  })
  writeFileSync(join(world.volume, 'file'), 'content')
  const { repository } = world
  const ended = world.snapshot(repository, { signal: cancelling.signal }).then(
    ({ snapshotId }) => [snapshotId],
    () => [],
  )
  const told = await ended
  await published.promise
  expect(told).toEqual(await collectIds(repository.listUnpacked('snapshots')))
})

test('a run cancelled while a pack is published writes no index', async () => {
  const cancelling = new AbortController()
  const events: string[] = []
  const world = await given.repository({
    driverOf: (dir) => {
      return aroundCommit(localDriver(dir), async (name, commit) => {
        if (name.includes('/data/')) {
          cancelling.abort(new Error('cancelled'))
          for (let turn = 0; turn < 100; turn++) await setImmediate()
        }
        await commit()
        events.push(name.replace(/^.*repo\//, '').replace(/\/.*/, ''))
      })
    },
  })
  writeFileSync(join(world.volume, 'file'), 'content')
  const { repository } = world
  events.length = 0
  await expect(world.snapshot(repository, { signal: cancelling.signal })).rejects.toThrow('cancelled')
  events.push('ended')
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(events).toEqual(['data', 'data', 'ended'])
  expect(await collectIds(repository.listUnpacked('index'))).toEqual([])
})

test('a run that lost its lock writes no index', async () => {
  const world = await given.repository()
  writeFileSync(join(world.volume, 'file'), 'content')
  const { repository } = world
  const assertHeld = () => Promise.reject(new Error('the lock is lost'))
  const snapshot = world.snapshot(repository, { lock: { ...NO_LOCK, assertHeld } })
  await expect(snapshot).rejects.toThrow('the lock is lost')
  expect(await Array.fromAsync(repository.listPacks())).not.toEqual([])
  expect(await collectIds(repository.listUnpacked('index'))).toEqual([])
})

test('a run that loses its lock at the end publishes no snapshot', async () => {
  const world = await given.repository()
  writeFileSync(join(world.volume, 'file'), 'content')
  const { repository } = world
  let isLost = false
  const assertHeld = async () => {
    if (isLost) throw new Error('the lock is lost')
  }
  const describe = () => {
    isLost = true
    return { tags: [], facts: null }
  }
  const snapshot = world.snapshot(repository, { lock: { ...NO_LOCK, assertHeld }, describe })
  await expect(snapshot).rejects.toThrow('the lock is lost')
  expect(await collectIds(repository.listUnpacked('index'))).toHaveLength(1)
  expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual([])
})

test('a run that is cancelled while it is described publishes no snapshot', async () => {
  const world = await given.repository()
  writeFileSync(join(world.volume, 'file'), 'content')
  const { repository } = world
  const cancelling = new AbortController()
  const describe = () => {
    cancelling.abort(new Error('cancelled'))
    return { tags: [], facts: null }
  }
  const snapshot = world.snapshot(repository, { signal: cancelling.signal, describe })
  await expect(snapshot).rejects.toThrow('cancelled')
  expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual([])
})

test.skipIf(!hasRestic)('the next run stores what the failed one did not (needs restic)', async () => {
  let faulty: FaultyDriver | undefined
  const world = await given.repository({
    driverOf: (dir) => {
      faulty = faultyDriver(localDriver(dir))
      return faulty
    },
  })
  for (let n = 0; n < 20; n++) writeFileSync(join(world.volume, `${n}`), randomBytes(MIB))
  const { repository: broken } = world
  faulty?.fail('write').times(1)
  await expect(world.snapshot(broken)).rejects.toThrow()
  faulty?.assertAllHit()
  const repository = await world.open()
  expect(await world.snapshot(repository)).toMatchObject({ files: 20, faults: 0 })
  world.check()
})
