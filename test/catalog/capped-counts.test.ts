import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { MAX_COUNT } from '../../src/wire/listing.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

/** Copies the one row of a table, with other keys, until there are `count`. */
function multiply(
  file: string,
  { table, keys, count }: { table: string; keys: string[]; count: number },
): void {
  const database = new Database(file)
  const columns = (database.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name)
  const values = columns.map((name) => (keys.includes(name) ? `${name} || n` : name))
  database.exec(`
    WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${table}, numbers`)
  database.close()
}

test.each([
  [MAX_COUNT, { count: MAX_COUNT, isCapped: false }],
  [MAX_COUNT + 1, { count: MAX_COUNT, isCapped: true }],
  [MAX_COUNT + 5000, { count: MAX_COUNT, isCapped: true }],
])('a list of %i is counted up to 10,000', async (count, expected) => {
  const folder = await tempFolder()
  const first = await openCatalogIn(folder)
  const run = { rid: ridOf(2), jobId: '', state: 'success' } as const
  await first.records.apply([sampleRecord({ ...run, result: { backup: sampleBackup() } })])
  await first.close()
  const file = join(folder, 'catalog.db')
  multiply(file, { table: 'Record', keys: ['rid', 'startKey'], count })
  multiply(file, { table: 'Backup', keys: ['name', 'createdKey', 'sequenceKey'], count })
  const { records, backups, close } = await openCatalogIn(folder)
  onTestFinished(close)
  expect(await records.count({ app: 'hello', states: ['success'] })).toEqual(expected)
  expect(await backups.count({ app: 'hello' })).toEqual(expected)
  const nothing = { count: 0, isCapped: false }
  for (const filter of [{ app: 'shop' }, { states: [] }, { from: '2030-01-01T00:00:00Z' }, { instanceNo: 2 }])
    expect(await records.count(filter)).toEqual(nothing)
  expect(await backups.count({ names: [] })).toEqual(nothing)
  const all = { instanceNo: 1, from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' }
  expect([await records.count(all), await backups.count(all)]).toEqual([expected, expected])
})
