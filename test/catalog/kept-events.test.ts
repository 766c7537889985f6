import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { sampleRecord } from '../support/catalog-samples.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

test('events of a catalog without this mark begin with the oldest event', async () => {
  const folder = await tempFolder()
  const before = await openCatalogIn(folder)
  const kept = await before.records.apply([sampleRecord({ state: 'queued' }), sampleRecord({ seq: 2 })])
  await before.close()
  const database = new Database(join(folder, 'catalog.db'))
  database.exec("DELETE FROM Meta WHERE key = 'events pruned up to'; DELETE FROM RecordEvent WHERE seq = 1")
  database.close()
  const after = await openCatalogIn(folder)
  onTestFinished(() => after.close())
  expect(await after.records.keptEvents()).toMatchObject({ after: (kept[1]?.eventSeq ?? 0) - 1 })
})

test('events of a catalog without this mark and without events begin after the last number', async () => {
  const folder = await tempFolder()
  const before = await openCatalogIn(folder)
  const kept = await before.records.apply([sampleRecord({ state: 'queued' }), sampleRecord({ seq: 2 })])
  await before.close()
  const database = new Database(join(folder, 'catalog.db'))
  database.exec("DELETE FROM Meta WHERE key = 'events pruned up to'; DELETE FROM RecordEvent")
  database.close()
  const after = await openCatalogIn(folder)
  onTestFinished(() => after.close())
  expect((await after.records.keptEvents()).after).toBeGreaterThanOrEqual(kept[1]?.eventSeq ?? Infinity)
})
