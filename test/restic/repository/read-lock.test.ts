import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockForReading } from '../../../src/restic/repository/read-lock.ts'
import { given } from '../../support/given.ts'
import { lockRepositoryInChild } from '../../support/lock-child.ts'
import { addSnapshot, idOf } from '../../support/repository-content.ts'

async function readingWorld() {
  const world = await given.repository()
  const { repository } = world
  const heard: string[] = []
  const { signal } = new AbortController()
  const options = { dataDir: `${world.dir}/daemon`, waitMs: 0, signal, tickMs: 5 }
  const lock = () => lockForReading(repository, { ...options, warn: (message) => void heard.push(message) })
  return { ...world, repository, heard, lock }
}

test('a reader holds a shared lock; if somebody removes it, reading continues with a warning', async () => {
  const { open, repository, path, clock, heard, lock } = await readingWorld()
  const content = Buffer.from('made by another')
  const snapshot = await addSnapshot(await open(), { file: content })
  await using held = await lock()
  expect(held.snapshots).toEqual([snapshot])
  expect(held.isHeld()).toBe(true)
  expect(repository.blobSize('data', idOf(content))).toBe(content.length)
  for (const id of readdirSync(join(path, 'locks'))) await repository.removeUnpacked('locks', id)
  clock.ms += 6 * 60_000
  await expect.poll(() => heard).toEqual([expect.stringMatching(/was removed.*It is read without a lock/)])
  expect(held.isHeld()).toBe(false)
})

test('a lock of another process is respected', async () => {
  const { dir, heard, lock } = await readingWorld()
  await lockRepositoryInChild(dir, true)
  await expect(lock()).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(heard).toEqual([])
})
