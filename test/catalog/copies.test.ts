import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openCatalog } from '../../src/catalog/catalog.ts'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { recordDisk } from '../support/recorded-disk.ts'
import { silentLog } from '../support/silent-log.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))

test('a copy gets its name when it is complete, and the name is on disk before the copy is reported', async () => {
  const folder = await tempFolder()
  const catalog = await openCatalogIn(folder)
  onTestFinished(() => catalog.close())
  await mkdir(join(folder, 'copies'))
  const disk = await recordDisk(folder)
  const name = basename((await catalog.copier.copyTo('.')).path)
  disk.note('told')
  expect(disk.steps).toEqual([`move copies/${name}.part copies/${name}`, 'sync copies', 'told'])
})

test('the content of a copy is on disk before the thread that made it ends', async () => {
  const folder = await tempFolder()
  const from = join(folder, 'catalog.db')
  await openCatalogDatabase(from, { log: silentLog, clock: systemClock }).$disconnect()
  const disk = await recordDisk(folder)
  // In this thread, where it can be seen what is synced.
  vi.doMock('node:worker_threads', () => ({ workerData: { from, to: join(folder, 'copy.db') } }))
  onTestFinished(() => vi.doUnmock('node:worker_threads'))
  await import('../../src/catalog/copy-worker.ts')
  expect(disk.steps).toEqual(['sync copy.db'])
})

itMounts('a copy that finds no room leaves no part of itself, and the room is free again', async () => {
  const { dir: copyDir } = smallFileSystem(64)
  const dataDir = await tempFolder()
  const catalog = await openCatalog({ dataDir, copyDir, log: silentLog, clock: systemClock })
  onTestFinished(() => catalog.close())
  await expect(catalog.copier.copyTo('.')).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
  expect(await readdir(copyDir)).toEqual([])
})

/** A catalog of an older release, and a folder with one migration more. */
async function olderCatalog() {
  const folder = await tempFolder()
  const file = join(folder, 'catalog.db')
  const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  await db.meta.create({ data: { key: 'old', value: 'kept' } })
  await db.$disconnect()
  const later = join(folder, 'migrations')
  for (const entry of await readdir(MIGRATIONS, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    await mkdir(join(later, entry.name), { recursive: true })
    const sql = await readFile(join(MIGRATIONS, entry.name, 'migration.sql'))
    await writeFile(join(later, entry.name, 'migration.sql'), sql)
  }
  await mkdir(join(later, '99991231235959_later'))
  await writeFile(join(later, '99991231235959_later/migration.sql'), 'CREATE TABLE later (x)')
  return { folder, file, later, copy: `${file}.before-99991231235959_later` }
}

test('the copy before a migration is whole on disk before it gets its name', async () => {
  const { folder, file, later, copy } = await olderCatalog()
  const disk = await recordDisk(folder)
  await openCatalogDatabase(file, { log: silentLog, clock: systemClock, migrations: later }).$disconnect()
  const name = basename(copy)
  expect(disk.steps).toEqual([`sync ${name}.part`, `move ${name}.part ${name}`])
})

test('the rest of a copy that a power loss interrupted does not block a migration', async () => {
  const { file, later, copy } = await olderCatalog()
  await writeFile(`${copy}.part`, 'half a copy')
  await openCatalogDatabase(file, { log: silentLog, clock: systemClock, migrations: later }).$disconnect()
  const database = new Database(copy, { readonly: true })
  onTestFinished(() => void database.close())
  expect(database.prepare('SELECT value FROM Meta').pluck().all()).toEqual(['kept'])
})
