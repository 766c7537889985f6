import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import { forgetSnapshots } from '../../../src/restic/prune/forget.ts'
import { measurePacks } from '../../../src/restic/prune/pack-use.ts'
import { prune } from '../../../src/restic/prune/prune.ts'
import { pruneSlice } from '../../../src/restic/prune/prune-slice.ts'
import { UsedBlobs } from '../../../src/restic/prune/used-blobs.ts'
import { listPacks, packName } from '../../../src/restic/repository/layout.ts'
import type { GivenRepository } from '../../support/given/repository.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, collectIds } from '../../support/repository-content.ts'

const { signal } = new AbortController()

/** A lock that is lost after it was found held so many times. */
function lockHeldFor(times: number) {
  let looks = 0
  return {
    signal,
    async assertHeld() {
      if (++looks > times) throw new BackupdError('REPOSITORY_LOCKED', 'The lock is lost')
    },
    async [Symbol.asyncDispose]() {},
  }
}

const acquireLock = async () => lockHeldFor(Number.POSITIVE_INFINITY)
const acquireLostLock = async () => lockHeldFor(0)

async function packsOf(world: GivenRepository): Promise<string[]> {
  return (await Array.fromAsync(listPacks(world.place))).map(({ id }) => id).sort()
}

/** A repository with packs that are used in part, and the task to prune them. */
async function sliceWorld() {
  const world = await given.repository()
  const { repository } = world
  await repository.loadIndex()
  const keep = randomBytes(50_000)
  const gone = await addSnapshot(repository, { gone: randomBytes(50_000), keep })
  await addSnapshot(repository, { keep, rest: randomBytes(50) })
  await forgetSnapshots(repository, [gone], { acquireLock })
  const used = new UsedBlobs(repository, await repository.loadIndex())
  await used.markSnapshots(signal)
  const victims = measurePacks(used).filter(({ unusedBytes }) => unusedBytes > 0)
  const slice = ({ assertHeld }: ReturnType<typeof lockHeldFor>, cancelling = signal) =>
    pruneSlice(repository, used, { victims, signal: cancelling, assertHeld })
  return { world, repository, victims, slice }
}

test.each([
  ['before the new packs are in the index', 0],
  ['after that', 1],
])('a slice removes no pack and no index file if the lock is lost %s', async (_, times) => {
  const { world, repository, slice } = await sliceWorld()
  const [packs, indexes] = [await packsOf(world), await collectIds(repository.listUnpacked('index'))]
  await expect(slice(lockHeldFor(times))).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(await packsOf(world)).toEqual(expect.arrayContaining(packs))
  expect(await collectIds(repository.listUnpacked('index'))).toEqual(expect.arrayContaining(indexes))
})

test('a slice that is cancelled changes nothing', async () => {
  const { world, repository, slice } = await sliceWorld()
  const state = async () => [await packsOf(world), await collectIds(repository.listUnpacked('index'))]
  const before = await state()
  const cancelled = AbortSignal.abort(new Error('cancelled'))
  await expect(slice(lockHeldFor(2), cancelled)).rejects.toThrow('cancelled')
  expect(await state()).toEqual(before)
})

test('a slice that keeps its lock checks it twice, then removes the packs', async () => {
  const { victims, slice } = await sliceWorld()
  expect(victims.length).toBeGreaterThan(0)
  expect((await slice(lockHeldFor(2))).packsRemoved).toBe(victims.length)
})

test('a pack without an index stays if the lock is lost', async () => {
  const world = await given.repository()
  const { repository } = world
  const pack = join(world.dir, packName(world.place, 'ab'.repeat(32)))
  mkdirSync(dirname(pack), { recursive: true })
  writeFileSync(pack, 'of a backup that runs')
  const options = { signal, pause: async () => {} }
  await expect(prune(repository, { ...options, acquireLock: acquireLostLock })).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
  })
  expect(existsSync(pack)).toBe(true)
  await prune(repository, { ...options, acquireLock })
  expect(existsSync(pack)).toBe(false)
})

test('a prune continues if another one removed all packs between its search and its first slice', async () => {
  const { world, repository } = await sliceWorld()
  const other = await world.open()
  await other.loadIndex()
  const options = { signal, pause: async () => {}, maxUnused: 0 }
  let isDone = false
  const summary = await prune(repository, {
    ...options,
    acquireLock: async ({ exclusive }) => {
      if (exclusive && !isDone) {
        isDone = true
        expect(await prune(other, { ...options, acquireLock })).toMatchObject({ packsRemoved: 2 })
      }
      return acquireLock()
    },
  })
  expect(summary).toMatchObject({ packsRemoved: 0, bytesUnused: 0 })
  expect(await prune(other, { ...options, acquireLock })).toMatchObject({ packsRemoved: 0, bytesFreed: 0 })
})

test('no snapshot is forgotten if the lock is lost', async () => {
  const { repository } = await sliceWorld()
  const ids = await collectIds(repository.listUnpacked('snapshots'))
  await expect(forgetSnapshots(repository, ids, { acquireLock: acquireLostLock })).rejects.toMatchObject({
    code: 'REPOSITORY_LOCKED',
  })
  expect(await collectIds(repository.listUnpacked('snapshots'))).toEqual(ids)
})

test('a snapshot that is gone already is left out, and one that cannot be removed ends the forgetting', async () => {
  const { world, repository } = await sliceWorld()
  const [id = ''] = await collectIds(repository.listUnpacked('snapshots'))
  const { remove } = world.place.driver
  const failWith = (error: Error) => {
    world.place.driver.remove = () => Promise.reject(error)
  }
  failWith(new BackupdError('NOT_FOUND', 'it is gone'))
  expect(await forgetSnapshots(repository, [id], { acquireLock })).toEqual([])
  const gone = new BackupdError('STORE_UNAVAILABLE', 'the store does not answer')
  failWith(gone)
  await expect(forgetSnapshots(repository, [id], { acquireLock })).rejects.toBe(gone)
  world.place.driver.remove = remove
  expect(await forgetSnapshots(repository, [id], { acquireLock })).toEqual([id])
})
