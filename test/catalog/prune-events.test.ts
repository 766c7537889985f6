import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { handClock } from '../support/hand-clock.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

test('more than 100,000 events are pruned in steps, oldest first', async () => {
  const folder = await tempFolder()
  await (await openCatalogIn(folder)).close()
  const database = new Database(join(folder, 'catalog.db'))
  database.exec(`WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 100700)
    INSERT INTO RecordEvent (seq, rid, app, at, json) SELECT seq, 'r', 'hello', ${Date.now()}, '{}' FROM n`)
  database.close()
  const { records, close } = await openCatalogIn(folder)
  onTestFinished(() => close())
  const oldest = async () => (await records.eventsSince(0, {}, 1))[0]?.eventSeq
  await records.apply([sampleRecord()])
  expect(await oldest()).toBe(501)
  await records.apply([sampleRecord({ rid: ridOf(2) })])
  expect(await oldest()).toBe(703)
  expect(await records.keptEvents()).toMatchObject({ after: 702 })
  await records.apply([sampleRecord({ rid: ridOf(3) })])
  expect(await oldest()).toBe(703)
})

/** The names and the numbers of rows of all tables that name a run. */
function rowsOf(folder: string, rid: string): Record<string, unknown> {
  const database = new Database(join(folder, 'catalog.db'), { readonly: true })
  const tables = database
    .prepare<[], string>(
      `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'rid'`,
    )
    .pluck()
    .all()
  const count = (table: string) =>
    database.prepare(`SELECT count(*) FROM "${table}" WHERE rid = ?`).pluck().get(rid)
  const counts = tables.map((table) => [table, count(table)] as const).filter(([, rows]) => rows !== 0)
  database.close()
  return Object.fromEntries(counts)
}

test('a forgotten record leaves no row in any table', async () => {
  const folder = await tempFolder()
  const before = await openCatalogIn(folder)
  const one = { rid: ridOf(1), jobId: 'j', start: '2026-01-01T00:00:00.000Z' }
  for (const [seq, state] of (['queued', 'running', 'success'] as const).entries())
    await before.records.apply([sampleRecord({ ...one, seq: seq + 1, state })])
  await before.records.apply([sampleRecord({ rid: ridOf(2), jobId: 'j', start: '2026-02-01T00:00:00.000Z' })])
  await before.close()
  // As an earlier version has it.
  const database = new Database(join(folder, 'catalog.db'))
  database.prepare(`INSERT INTO "RecordBody" ("rid", "json") VALUES (?, '{}')`).run(ridOf(1))
  database.close()
  expect(rowsOf(folder, ridOf(1))).toEqual({ Record: 1, RecordBody: 1, RecordEvent: 3 })
  const { records, close } = await openCatalogIn(folder)
  const slice = await records.forget({ before: '2027-01-01T00:00:00.000Z', after: null })
  await close()
  expect(slice).toMatchObject({ deleted: 1 })
  expect(rowsOf(folder, ridOf(1))).toEqual({})
})

test('a deleted backup is known as deleted for 30 days, in which old news may come, and then forgotten', async () => {
  const folder = await tempFolder()
  const clock = handClock()
  const { records, backups, close } = await openCatalogIn(folder, clock)
  const DAY = 86_400_000
  await records.apply([sampleRecord({ state: 'success', result: { backup: sampleBackup() } })])
  await backups.remove('10.0.0.1', [sampleBackup().name])
  const known = () => {
    const database = new Database(join(folder, 'catalog.db'), { readonly: true })
    const rows = database.prepare('SELECT count(*) FROM Tombstone').pluck().get()
    database.close()
    return rows
  }
  // A prune comes with every thousandth event.
  const prune = (from: number) =>
    records.apply(
      Array.from({ length: 1001 }, (_, n) => sampleRecord({ rid: ridOf(from + n), state: 'queued' })),
    )
  clock.move(29 * DAY)
  await prune(10_000)
  await backups.find({}, { first: 1 })
  expect(known()).toBe(1)
  clock.move(2 * DAY)
  await prune(20_000)
  await expect.poll(known).toBe(0)
  await close()
})
