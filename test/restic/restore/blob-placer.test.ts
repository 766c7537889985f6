import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { BlobPlacer } from '../../../src/restic/restore/blob-placer.ts'
import type { WritePlace } from '../../../src/restic/restore/place-run.ts'
import { faultyLocal } from '../../support/faulty-local.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, idOf } from '../../support/repository-content.ts'

const CONTENT = Buffer.from('what a file holds')

/** A repository with one file, and a placer that writes it to `file`. */
async function placing() {
  const { repository, dir, path } = await given.repository({ driverOf: faultyLocal })
  await addSnapshot(repository, { file: CONTENT })
  const file = join(dir, 'restored')
  const fd = openSync(file, 'w')
  onTestFinished(() => closeSync(fd))
  const failed: unknown[] = []
  const { signal } = new AbortController()
  const placer = new BlobPlacer<WritePlace>({
    source: repository,
    signal,
    onPlaced: () => {},
    onFailed: (_place, error) => void failed.push(error),
  })
  onTestFinished(() => placer[Symbol.asyncDispose]())
  const where = repository.locate('data', idOf(CONTENT))
  const place = () => placer.place([{ id: idOf(CONTENT), where, places: [{ fd, position: 0 }] }])
  const pack = join(path, 'data', where?.pack.slice(0, 2) ?? '', where?.pack ?? '')
  return { repository, failed, place, pack, where, restored: () => readFileSync(file) }
}

function damage(pack: string, at: number): void {
  const bytes = readFileSync(pack)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(pack, bytes)
}

const faultsOf = (repository: Awaited<ReturnType<typeof placing>>['repository']) =>
  repository.place.driver as ReturnType<typeof faultyLocal>

test('a store that does not answer ends the restore; it is not asked for each blob alone', async () => {
  const { repository, failed, place, restored } = await placing()
  faultsOf(repository).fail('open').times(1)
  await expect(place()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect([failed, restored().length]).toEqual([[], 0])
  await place()
  expect(restored()).toEqual(CONTENT)
})

test('damaged content whose other copy cannot be looked for is no proof of damage', async () => {
  const { repository, failed, place, pack, where } = await placing()
  damage(pack, (where?.offset ?? 0) + 20)
  faultsOf(repository).fail('open').at(2)
  await expect(place()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(failed).toEqual([])
  await place()
  expect(failed).toEqual([expect.objectContaining({ code: 'SNAPSHOT_CORRUPT' })])
})
