import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Driver, ObjectReader } from '../../../src/objects/driver.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { given } from '../../support/given.ts'
import { blobOf, collectIds, idOf } from '../../support/repository-content.ts'

const contentOf = (n: number) => Buffer.from(`content ${n}`)

/** Each blob in a pack of its own. */
async function addPacks(repository: Repository, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const packs = repository.beginPacks()
    await packs.add(blobOf(repository, 'data', contentOf(n)))
    await packs.finish()
  }
}

test('a pack that could not be opened is read when it exists again', async () => {
  const { repository, path } = await given.repository()
  await addPacks(repository, 1)
  const { pack = '' } = repository.locate('data', idOf(contentOf(0))) ?? {}
  const file = join(path, 'data', pack.slice(0, 2), pack)
  renameSync(file, `${file}.away`)
  await expect(repository.readBlob('data', idOf(contentOf(0)))).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
  })
  renameSync(`${file}.away`, file)
  expect(await repository.readBlob('data', idOf(contentOf(0)))).toEqual(contentOf(0))
})

/** A driver with slow reads of packs that counts the open ones. */
function slowly(driver: Driver) {
  let open = 0
  let most = 0
  let turns = 400
  const slow = (reader: ObjectReader): ObjectReader => ({
    ...reader,
    async read(position, length) {
      turns -= 10
      for (let turn = turns; turn > 0; turn--) await setImmediate()
      return reader.read(position, length)
    },
    async close() {
      open--
      await reader.close()
    },
  })
  const opens = driver.open.bind(driver)
  driver.open = async (name) => {
    const reader = await opens(name)
    if (!name.includes('/data/')) return reader
    most = Math.max(most, ++open)
    return slow(reader)
  }
  return { driver, open: () => open, most: () => most }
}

test('packs that are being read stay open, however many, and few stay open afterwards', async () => {
  const { repository: first, open, dir } = await given.repository()
  await addPacks(first, 30)
  const slow = slowly(localDriver(dir))
  const repository = await open(undefined, slow.driver)
  await repository.loadIndex()
  const contents = Array.from({ length: 30 }, (_, n) => contentOf(n))
  const read = await Promise.all(contents.map((content) => repository.readBlob('data', idOf(content))))
  expect(read).toEqual(contents)
  expect(slow.most()).toBe(30)
  expect(slow.open()).toBe(16)
  await repository[Symbol.asyncDispose]()
  expect(slow.open()).toBe(0)
})

test('an index that another run rewrites during loading is loaded from its new files', async () => {
  const { repository, open, dir } = await given.repository()
  await addPacks(repository, 3)
  const driver = localDriver(dir)
  const opens = driver.open.bind(driver)
  let isRewritten = false
  driver.open = async (name) => {
    if (name.includes('/index/') && !isRewritten) {
      isRewritten = true
      const packs = [0, 1].map((n) => repository.locate('data', idOf(contentOf(n)))?.pack ?? '')
      await repository.dropFromIndex(new Set(packs))
    }
    return opens(name)
  }
  const other = await open(undefined, driver)
  const index = await other.loadIndex()
  expect(isRewritten).toBe(true)
  expect([0, 1, 2].map((n) => index.has('data', idOf(contentOf(n))))).toEqual([false, false, true])
})

test('if two callers create a repository at once, one does, and its key is the only one', async () => {
  const { create, open } = await given.unmadeRepository()
  const both = await Promise.allSettled([create(), create()])
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'CONFLICT' } })
  expect(await collectIds((await open()).listUnpacked('keys'))).toHaveLength(1)
})
