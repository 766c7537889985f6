import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
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
