import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { forgetSnapshots } from '../../../src/restic/prune/forget.ts'
import { type PruneOptions, prune } from '../../../src/restic/prune/prune.ts'
import { listPacks } from '../../../src/restic/repository/layout.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, idOf } from '../../support/repository-content.ts'

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
