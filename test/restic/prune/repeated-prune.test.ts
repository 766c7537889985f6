import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forgetSnapshots } from '../../../src/restic/prune/forget.ts'
import { type PruneOptions, prune } from '../../../src/restic/prune/prune.ts'
import { listPacks, packName } from '../../../src/restic/repository/layout.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, idOf, readSnapshot } from '../../support/repository-content.ts'

/** Nobody else is there. */
const acquireLock: PruneOptions['acquireLock'] = async () => ({
  signal: new AbortController().signal,
  async assertHeld() {},
  async [Symbol.asyncDispose]() {},
})

test('packs that could not be removed are removed by the next prune of the same process', async () => {
  const { repository, place } = await given.repository()
  await repository.loadIndex()
  const keep = randomBytes(50_000)
  const gone = await addSnapshot(repository, { gone: randomBytes(50_000), keep })
  await addSnapshot(repository, { keep })
  await forgetSnapshots(repository, [gone], { acquireLock })
  const packs = async () => (await Array.fromAsync(listPacks(place))).map(({ id }) => id)
  let left = ''
  const options = { acquireLock, signal: new AbortController().signal, pause: async () => {}, maxUnused: 0 }
  const remove = place.driver.remove
  place.driver.remove = (name) => {
    if (!name.includes('/data/')) return remove.call(place.driver, name)
    left = name.split('/').at(-1) ?? ''
    return Promise.reject(new Error('Failed as ordered'))
  }
  await expect(prune(repository, options)).rejects.toThrow('Failed as ordered')
  // No index file names it any more, but the index in memory still has its blobs.
  expect(await packs()).toContain(left)
  place.driver.remove = remove
  await prune(repository, options)
  expect(await packs()).not.toContain(left)
  expect(await repository.readBlob('data', idOf(keep))).toEqual(keep)
})

/** A snapshot that needs two blobs of a pack; the rest of the pack is waste. */
async function startWaste() {
  const world = await given.repository()
  const { repository } = world
  await repository.loadIndex()
  const [damaged, intact] = [randomBytes(100_000), randomBytes(100_000)]
  const gone = await addSnapshot(repository, { damaged, gone: randomBytes(400_000), intact })
  await addSnapshot(repository, { damaged, intact })
  await forgetSnapshots(repository, [gone], { acquireLock })
  const place = repository.locate('data', idOf(damaged))
  const file = join(world.dir, packName(world.place, place?.pack ?? ''))
  const options = { acquireLock, signal: new AbortController().signal, pause: async () => {}, maxUnused: 0 }
  return { ...world, damaged, intact, pack: place?.pack, at: place?.offset ?? 0, file, options }
}

test('a pack with a damaged blob stays and is named, and its intact blobs are not lost', async () => {
  const { intact, pack, at, file, open, warnings, options } = await startWaste()
  const bytes = readFileSync(file)
  bytes[at + 1000] = (bytes[at + 1000] ?? 0) ^ 1
  writeFileSync(file, bytes)
  expect(await prune(await open(), options)).toMatchObject({ bytesFreed: expect.any(Number) })
  expect(warnings.join()).toContain(pack)
  expect(readFileSync(file)).toEqual(bytes)
  const again = await open()
  await again.loadIndex()
  expect(await again.readBlob('data', idOf(intact))).toEqual(intact)
})

test('nothing is deleted if a tree that a snapshot needs cannot be read', async () => {
  const { repository, dir, place, open, options } = await startWaste()
  const packs = async () => (await Array.fromAsync(listPacks(place))).map(({ id }) => id).sort()
  const [snapshot = ''] = await Array.fromAsync(repository.listUnpacked('snapshots'))
  const { tree } = await readSnapshot(repository, snapshot)
  const needed = repository.locate('tree', tree)?.pack ?? ''
  const file = join(dir, packName(place, needed))
  writeFileSync(file, Buffer.alloc(statSync(file).size))
  const before = await packs()
  await expect(prune(await open(), options)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(await packs()).toEqual(before)
})
