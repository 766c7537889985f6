import { cpSync } from 'node:fs'
import { expect, test } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { faultyDriver } from '../../support/faulty-driver.ts'
import { given } from '../../support/given.ts'
import { blobOf, collectIds, idOf } from '../../support/repository-content.ts'
import { openForTasks } from '../../support/repository-tasks.ts'
import { IP } from '../../support/store-samples.ts'

const contentOf = (n: number) => Buffer.from(`content ${n}`)

async function addOne(repository: Repository, n: number): Promise<string> {
  const packs = repository.beginPacks()
  await packs.add(blobOf(repository, 'data', contentOf(n)))
  await packs.finish()
  return repository.locate('data', idOf(contentOf(n)))?.pack ?? ''
}

/** A repository with a pack and an index file for each of `count` blobs. */
async function filled(count: number) {
  const world = await given.repository()
  const { repository } = world
  const packs: string[] = []
  for (let n = 0; n < count; n++) packs.push(await addOne(repository, n))
  return { ...world, repository, packs, indexFiles: () => collectIds(repository.listUnpacked('index')) }
}

test('index files that name none of the removed packs stay, and many small ones are merged', async () => {
  const { repository, packs, indexFiles, open } = await filled(33)
  const before = await indexFiles()
  await repository.dropFromIndex(new Set(packs.slice(0, 2)))
  expect(await indexFiles()).toHaveLength(1)
  await addOne(repository, 100)
  const [first = '', second = ''] = await indexFiles()
  await repository.dropFromIndex(new Set([packs[5] ?? '']))
  const after = await indexFiles()
  expect(after).toHaveLength(2)
  expect(after.filter((id) => id === first || id === second)).toHaveLength(1)
  expect(before.filter((id) => after.includes(id))).toEqual([])

  const other = await open()
  const index = await other.loadIndex()
  for (let n = 0; n < 33; n++) {
    const isGone = n < 2 || n === 5
    expect(index.has('data', idOf(contentOf(n))), String(n)).toBe(!isGone)
    expect(repository.blobSize('data', idOf(contentOf(n))) === undefined, String(n)).toBe(isGone)
  }
  expect(index.has('data', idOf(contentOf(100)))).toBe(true)
})

test('entries of an index file that another run removed are forgotten', async () => {
  const { repository, packs, open } = await filled(2)
  const other = await open()
  await other.loadIndex()
  await repository.dropFromIndex(new Set(packs.slice(0, 1)))
  await other.loadIndex()
  expect([0, 1].map((n) => other.blobSize('data', idOf(contentOf(n))))).toEqual([
    undefined,
    contentOf(1).length,
  ])
})

test('after an interruption at any call, the index still has all entries', async () => {
  const { dir } = await filled(34)
  let isDone = false
  for (let nth = 1; !isDone; nth += 11) {
    const copy = `${dir}/copy-${nth}`
    cpSync(`${dir}/${IP}`, `${copy}/${IP}`, { recursive: true })
    const driver = faultyDriver(localDriver(copy))
    const repository = await openForTasks(driver)
    await repository.loadIndex()
    const before = driver.calls.length
    driver.crash('any').at(nth)
    await repository.dropFromIndex(new Set()).catch((error) => expect(String(error)).toContain('Crashed'))
    isDone = !driver.isCrashed
    expect(driver.calls.length).toBeGreaterThan(before)

    const other = await openForTasks(localDriver(copy))
    const index = await other.loadIndex()
    for (let n = 0; n < 34; n++) expect(index.has('data', idOf(contentOf(n))), `${nth} ${n}`).toBe(true)
    if (isDone) expect(await collectIds(other.listUnpacked('index'))).toHaveLength(1)
  }
})
