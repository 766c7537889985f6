import { readdirSync, readlinkSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockCatalog } from '../../src/catalog/catalog-lock.ts'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import { openEventNumbers } from '../../src/catalog/event-numbers.ts'
import { createWriteQueue } from '../../src/catalog/write-queue.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

/** How often this process holds the file open. */
function holdsOf(file: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => link === file).length
}

test('a catalog that cannot be opened is not locked afterwards, so that it opens once it is repaired', async () => {
  const folder = await tempFolder()
  await writeFile(join(folder, 'catalog.db'), 'no database at all, not even nearly\n'.repeat(100))
  await expect(openCatalogIn(folder)).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
  await rm(join(folder, 'catalog.db'))
  await (await openCatalogIn(folder)).close()
})

test('a refused lock keeps no file open', async () => {
  const file = join(await tempFolder(), 'catalog.lock')
  const held = lockCatalog(file)
  const before = holdsOf(file)
  for (let n = 0; n < 3; n++)
    expect(() => lockCatalog(file)).toThrow(
      expect.objectContaining({
        code: 'CONFLICT',
        message: expect.stringContaining(`process ${process.pid}`),
      }),
    )
  expect(holdsOf(file)).toBeLessThanOrEqual(before + 1)
  held.release()
  lockCatalog(file).release()
  expect(holdsOf(file)).toBe(0)
})

test('a damaged lock file is named, with what to do', async () => {
  const file = join(await tempFolder(), 'catalog.lock')
  await writeFile(file, 'no database at all, not even nearly\n'.repeat(100))
  expect(() => lockCatalog(file)).toThrow(
    expect.objectContaining({
      code: 'CATALOG_UNUSABLE',
      message: expect.stringContaining(`${file} is damaged`),
    }),
  )
  await rm(file)
  lockCatalog(file).release()
})

test('a transaction that cannot begin blocks nobody', async () => {
  const db = openCatalogDatabase(join(await tempFolder(), 'catalog.db'), {
    log: silentLog,
    clock: systemClock,
  })
  onTestFinished(() => db.$disconnect())
  const level = { isolationLevel: 'ReadUncommitted' } as never
  await expect(db.$transaction(async () => {}, level)).rejects.toThrow()
  expect(await db.meta.count()).toBe(0)
  await db.$transaction((transaction) => transaction.meta.create({ data: { key: 'a', value: '' } }))
})

test('event numbers are reserved before the last reserved one is used', async () => {
  const file = join(await tempFolder(), 'catalog.db')
  const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  onTestFinished(() => db.$disconnect())
  const numbers = await openEventNumbers(db, createWriteQueue(), silentLog)
  for (let n = 0; n < 5001; n++) numbers.next()
  const reserved = async () => Number((await db.meta.findFirst({ where: { value: { not: '' } } }))?.value)
  await expect.poll(reserved).toBeGreaterThan(numbers.last() + 5000)
  for (let n = 0; n < 5000; n++) numbers.next()
  const after = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  onTestFinished(() => after.$disconnect())
  const again = await openEventNumbers(after, createWriteQueue(), silentLog)
  expect(again.next()).toBeGreaterThan(numbers.last())
})
