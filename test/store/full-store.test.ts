import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { given } from '../support/given.ts'
import { publishSample, writePendingBackup } from '../support/sample-backups.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { ARCHIVE, factsOf, IP } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

itMounts('a full store refuses a backup without a trace, and can be freed by deleting', async () => {
  const { dir } = smallFileSystem(128)
  const { store, names } = await given.store({ dir })
  // Two, because publishing takes a copy of the manifest more than what it leaves.
  const [old, older] = [await publishSample(store), await publishSample(store)]
  const whole = names()
  const { pending } = await writePendingBackup(store)
  await expect(pending.object.write(Buffer.alloc(256 * 1024))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await pending.abandon()
  expect(names()).toEqual(whole)

  writeFileSync(join(dir, 'ballast'), Buffer.alloc((await store.driver.space?.())?.freeBytes ?? 0))
  expect((await store.driver.space?.())?.freeBytes).toBe(0)
  expect(await store.remove([old.name, older.name])).toEqual([old.name, older.name])
  expect(names()).toEqual([])
  await publishSample(store)
})

itMounts('a store that fills up while publishing keeps the old state', async () => {
  const { dir } = smallFileSystem(128)
  const { store, names } = await given.store({ dir })
  const { pending, rid } = await writePendingBackup(store)
  writeFileSync(join(dir, 'ballast'), Buffer.alloc((await store.driver.space?.())?.freeBytes ?? 0))
  await expect(pending.publish(factsOf(rid))).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining('(step "write the intent")'),
  })
  await pending.abandon()
  expect(names()).toEqual([])
  expect((await store.list(IP, { limit: 5 })).backups).toEqual([])
})

itMounts('a read-only store is read, and refuses all else with the reason', async () => {
  const { dir, remount } = smallFileSystem(512)
  const { store, names, backups } = await given.withBackups(1).store({ dir })
  const [{ name }] = backups
  const before = names()
  remount('ro')
  const readOnly = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('it is read-only') }
  await expect(store.claim(false)).rejects.toMatchObject(readOnly)
  await expect(writePendingBackup(store)).rejects.toMatchObject(readOnly)
  await expect(store.remove([name])).rejects.toMatchObject(readOnly)
  await expect(store.settle()).rejects.toMatchObject(readOnly)
  expect((await store.list(IP, { limit: 5 })).backups).toMatchObject([{ name, corrupt: null }])
  const found = await store.findArchive(IP, name)
  await using _object = await found?.openObject()
  expect(names()).toEqual(before)
  remount('rw')
  expect((await publishSample(store)).name).toContain(ARCHIVE)
})

itMounts('a store too full to hide a backup keeps it, until it is deleted for good', async () => {
  const { dir } = smallFileSystem(128)
  const { store, names, backups } = await given.withBackups(2).store({ dir })
  const [{ name }, other] = backups
  const before = names()
  writeFileSync(join(dir, 'ballast'), Buffer.alloc((await store.driver.space?.())?.freeBytes ?? 0))
  const reader = { dataDir: tempDir(), signal: new AbortController().signal, warn: () => {} }
  const hide = (one: string) => store.hide([one], { by: 'ann', windowMs: 1000 }, reader)
  await expect(hide(name)).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining('Delete them with "now: true"'),
  })
  expect(names()).toEqual(before)
  expect((await store.list(IP, { limit: 5 })).backups).toHaveLength(2)
  expect(await store.delete([name], reader)).toEqual([name])
  expect(names().filter((entry) => entry.startsWith(name))).toEqual([])
  expect(await hide(other.name)).toEqual([other.name])
})
