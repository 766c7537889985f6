import { execFile } from 'node:child_process'
import { copyFile, open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CatalogDb, openCatalogDatabase } from '../../src/catalog/database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { DAY_MS } from '../../src/lib/time-units.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { silentLog } from '../support/silent-log.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

async function tempDatabase(): Promise<{ db: CatalogDb; file: string }> {
  const file = join(await tempFolder(), 'catalog.db')
  const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  onTestFinished(() => db.$disconnect())
  return { db, file }
}

test('every commit is on disk: write-ahead log, full sync', async () => {
  const { db } = await tempDatabase()
  const pragma = async (name: string) =>
    Object.values((await db.$queryRawUnsafe<object[]>(`PRAGMA ${name}`))[0] ?? {})[0]
  const settings = async () => [await pragma('journal_mode'), Number(await pragma('synchronous'))]
  expect(await settings()).toEqual(['wal', 2])
  await db.$transaction((transaction) => transaction.meta.create({ data: { key: 'a', value: '' } }))
  expect(await settings()).toEqual(['wal', 2])
})

test('timers and sockets are served during a long loop of writes', async () => {
  const { db } = await tempDatabase()
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  onTestFinished(() => clearInterval(timer))
  for (let n = 0; n < 300; n++) await db.meta.create({ data: { key: String(n), value: '' } })
  for (let n = 0; n < 300; n++) await db.meta.findUnique({ where: { key: String(n) } })
  expect(ticks).toBeGreaterThan(5)
})

describe('during an open transaction', () => {
  test('other callers neither see its changes nor lose their writes', async () => {
    const { db } = await tempDatabase()
    const inside = Promise.withResolvers<void>()
    const failed = db.$transaction(async (transaction) => {
      await transaction.meta.create({ data: { key: 'rolled back', value: '' } })
      inside.resolve()
      await transaction.meta.create({ data: { key: 'rolled back too', value: '' } })
      throw new Error('undo')
    })
    await inside.promise
    const [seen] = await Promise.all([
      db.meta.count({ where: { key: { startsWith: 'rolled back' } } }),
      db.meta.create({ data: { key: 'stays', value: '' } }),
      expect(failed).rejects.toThrow('undo'),
    ])
    expect(seen).toBe(0)
    expect((await db.meta.findMany()).map(({ key }) => key)).toEqual(['stays'])
  })

  test('many transactions and writes are kept apart', async () => {
    const { db } = await tempDatabase()
    const undone = (n: number) =>
      db.$transaction(async (transaction) => {
        await transaction.meta.create({ data: { key: `undone ${n}`, value: '' } })
        throw new Error('undo')
      })
    const works = Array.from({ length: 40 }, (_, n) => [
      expect(undone(n)).rejects.toThrow('undo'),
      db.meta.create({ data: { key: `stays ${n}`, value: '' } }),
      db.meta.findMany({ where: { key: { startsWith: 'undone' } } }).then((seen) => expect(seen).toEqual([])),
    ])
    await Promise.all(works.flat())
    expect(await db.meta.count()).toBe(40)
  })

  test('transactions wait for each other', async () => {
    const { db } = await tempDatabase()
    await db.meta.create({ data: { key: 'n', value: '0' } })
    const increase = () =>
      db.$transaction(async (transaction) => {
        const row = await transaction.meta.findUniqueOrThrow({ where: { key: 'n' } })
        await transaction.meta.update({ where: { key: 'n' }, data: { value: String(Number(row.value) + 1) } })
      })
    await Promise.all(Array.from({ length: 20 }, increase))
    expect(await db.meta.findFirst()).toEqual({ key: 'n', value: '20' })
  })
})

test('a full disk refuses writes, which succeed again when there is room', async () => {
  const { db } = await tempDatabase()
  await db.$queryRawUnsafe('PRAGMA max_page_count = 60')
  const big = { value: 'x'.repeat(300_000) }
  await expect(db.meta.create({ data: { key: 'a', ...big } })).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/catalog\.db cannot grow: its disk or quota is full/),
  })
  const write = () =>
    db.$transaction((transaction) => transaction.meta.create({ data: { key: 'b', ...big } }))
  await expect(write()).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
  await db.$queryRawUnsafe('PRAGMA max_page_count = 100000')
  await write()
  expect(await db.meta.count()).toBe(1)
})

test('a commit that fails leaves nothing open', async () => {
  const { db } = await tempDatabase()
  await db.$executeRawUnsafe('CREATE TABLE parent (id PRIMARY KEY)')
  await db.$executeRawUnsafe('CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)')
  const orphan = db.$transaction((transaction) =>
    transaction.$executeRawUnsafe('INSERT INTO child VALUES (1)'),
  )
  await expect(orphan).rejects.toThrow()
  await db.$transaction((transaction) => transaction.meta.create({ data: { key: 'after', value: '' } }))
  expect(await db.meta.count()).toBe(1)
})

describe('a file that cannot be used', () => {
  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    [
      'is not a database',
      (file) => writeFile(file, 'hello, I am a text file\n'.repeat(100)),
      /catalog\.db is not a database\. Nothing was overwritten\. Restore a copy/,
    ],
    [
      'is cut short',
      (file) => truncate(file, 9000),
      /catalog\.db is damaged\. Nothing was overwritten.*rebuildCatalog/,
    ],
    ['has a page overwritten', scribble, /catalog\.db is damaged\. Nothing was overwritten/],
  ])('%s gives one clear line, and is left unchanged', async (_, damage, message) => {
    const folder = await tempFolder()
    const catalog = await openCatalogIn(folder)
    await catalog.records.apply(Array.from({ length: 200 }, (_, n) => sampleRecord({ rid: ridOf(n) })))
    await catalog.close()
    const file = join(folder, 'catalog.db')
    await damage(file)
    await copyFile(file, `${file}.damaged`)
    await expect(openCatalogIn(folder)).rejects.toMatchObject({
      code: 'CATALOG_UNUSABLE',
      message: expect.stringMatching(message),
    })
    expect(await readFile(file)).toEqual(await readFile(`${file}.damaged`))
  })

  test('a directory that cannot be created is named', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'file'), '')
    await expect(openCatalogIn(join(folder, 'file', 'data'))).rejects.toThrow(
      `Cannot create the data directory ${folder}/file/data: `,
    )
  })
})

async function scribble(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(4096, 0xa5), 0, 4096, 20 * 4096)
  await handle.close()
}

test('a copy is made before an older database is changed', async () => {
  const { db, file } = await tempDatabase()
  await db.meta.create({ data: { key: 'old', value: 'kept' } })
  await db.$disconnect()
  const raw = new Database(file)
  raw.exec('DROP TABLE Audit')
  raw.close()
  const migrations = await tempFolder()
  const real = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))
  await promisify(execFile)('cp', ['-r', `${real}/.`, migrations])
  await promisify(execFile)('mkdir', [join(migrations, '99991231235959_later')])
  await writeFile(join(migrations, '99991231235959_later', 'migration.sql'), 'CREATE TABLE later (x)')
  await openCatalogDatabase(file, { log: silentLog, clock: systemClock, migrations }).$disconnect()
  const copy = new Database(`${file}.before-99991231235959_later`, { readonly: true })
  onTestFinished(() => void copy.close())
  expect(copy.prepare('SELECT value FROM Meta').pluck().all()).toEqual(['kept'])
  expect(copy.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'later'").pluck().get()).toBe(0)
})

test('the migrations produce the schema', async () => {
  const script = fileURLToPath(new URL('../../scripts/db-migration.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--check'])
  expect(stdout).toContain('nothing to write')
})

test('a transaction and one that waits for it outlive a stop of the process, however long', async () => {
  const { db } = await tempDatabase()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const create = (transaction: Pick<CatalogDb, 'meta'>, key: string) =>
    transaction.meta.create({ data: { key, value: '' } })
  const stopped = db.$transaction(async (transaction) => {
    await create(transaction, 'before')
    // As Node sees it when the process goes on: all timers are due, and nothing was answered meanwhile.
    vi.advanceTimersByTime(20 * DAY_MS)
    await create(transaction, 'after')
  })
  const waiting = db.$transaction((transaction) => create(transaction, 'waited'))
  await Promise.all([stopped, waiting])
  expect((await db.meta.findMany()).map(({ key }) => key)).toEqual(['before', 'after', 'waited'])
})
