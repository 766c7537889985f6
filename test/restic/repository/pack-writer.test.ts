import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { type FaultyDriver, faultyDriver } from '../../support/faulty-driver.ts'
import { given } from '../../support/given.ts'
import { blobOf, idOf } from '../../support/repository-content.ts'

const CONTENT = Buffer.from('what is put into packs')

async function faultyWorld() {
  const faulty: FaultyDriver[] = []
  const world = await given.repository({
    driverOf: (dir) => {
      const driver = faultyDriver(localDriver(dir))
      faulty.push(driver)
      return driver
    },
  })
  const { repository } = world
  return { ...world, repository, driver: faulty[0] as FaultyDriver }
}

test('a repeated blob is written once', async () => {
  const { repository } = await faultyWorld()
  const packs = repository.beginPacks()
  await Promise.all([1, 2, 3].map(() => packs.add(blobOf(repository, 'data', CONTENT))))
  expect(packs.has('data', idOf(CONTENT))).toBe(true)
  expect(packs.has('tree', idOf(CONTENT))).toBe(false)
  expect(await packs.finish()).toMatchObject({ packs: 1 })
  const again = repository.beginPacks()
  await again.add(blobOf(repository, 'data', CONTENT))
  expect(await again.finish()).toEqual({ packs: 0, bytes: 0 })
  const second = repository.beginPacks({ storeAgain: true })
  await Promise.all([1, 2].map(() => second.add(blobOf(repository, 'data', CONTENT))))
  expect(await second.finish()).toMatchObject({ packs: 1 })
})

test('an abandoned writer leaves no half written file, and no index names its blobs', async () => {
  const { repository, open, path } = await faultyWorld()
  const packs = repository.beginPacks()
  await packs.add(blobOf(repository, 'data', CONTENT))
  await packs.abandon()
  expect(readdirSync(`${path}/tmp`)).toEqual(['create.lock'])
  expect(repository.blobSize('data', idOf(CONTENT))).toBeUndefined()
  await expect(packs.add(blobOf(repository, 'tree', CONTENT))).rejects.toThrow('abandoned')
  expect((await (await open()).loadIndex()).size).toBe(0)
})

test.each(['createIn', 'write', 'sync', 'commit', 'committed'] as const)(
  'a %s that fails while packs are published is reported, and a later run of the process stores all again',
  async (call) => {
    const { repository, driver, open } = await faultyWorld()
    for (const after of [0, 1]) {
      driver.fail(call).after(call === 'write' ? after * 100 : after)
      const packs = repository.beginPacks()
      const failing = async () => {
        await packs.add(blobOf(repository, 'data', CONTENT))
        await packs.finish()
      }
      await expect(failing()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await packs.abandon()
      driver.assertAllHit()
    }
    const packs = repository.beginPacks()
    await packs.add(blobOf(repository, 'data', CONTENT))
    expect((await packs.finish()).packs).toBe(1)
    const other = await open()
    await other.loadIndex()
    expect(await other.readBlob('data', idOf(CONTENT))).toEqual(CONTENT)
  },
)
