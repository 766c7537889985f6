import { copyFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { type Catalog, openCatalog } from '../../src/catalog/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-catalog.ts'

const NEVER = new AbortController().signal
const PAGE = 4096

/** A catalog whose file counts as too large to be checked when it is opened. */
async function openLarge(dataDir: string): Promise<Catalog> {
  const copyDir = join(dataDir, 'copies')
  return openCatalog({ dataDir, copyDir, log: silentLog, clock: systemClock, maxCheckedAtOpen: 0 })
}

async function filledFolder(): Promise<string> {
  const folder = await tempFolder()
  const catalog = await openLarge(folder)
  await catalog.records.apply(Array.from({ length: 200 }, (_, n) => sampleRecord({ rid: ridOf(n) })))
  await catalog.close()
  return folder
}

/** Overwrites a page that an open does not read: neither the schema nor rows are on it, and no live record is found by it. */
async function scribble(file: string): Promise<void> {
  await copyFile(file, `${file}.sound`)
  const database = new Database(file, { readonly: true })
  const find = database.prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck()
  const page = find.get('Record_app_proc_startKey_idx') ?? 0
  database.close()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE)
  await handle.close()
}

test('a large file that is sound is checked while it is in use', async () => {
  const catalog = await openLarge(await filledFolder())
  onTestFinished(() => catalog.close())
  const [, found] = await Promise.all([catalog.checkPages(NEVER), catalog.records.get(ridOf(3))])
  expect(found?.record.rid).toBe(ridOf(3))
})

test('damage of a large file is found after the open, and nothing is written from then on', async () => {
  const folder = await filledFolder()
  await scribble(join(folder, 'catalog.db'))
  const catalog = await openLarge(folder)
  const damaged = {
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/is damaged\. Nothing was overwritten/),
  }
  await expect(catalog.checkPages(NEVER)).rejects.toMatchObject(damaged)
  await expect(catalog.records.apply([sampleRecord({ rid: ridOf(500) })])).rejects.toMatchObject(damaged)
  await catalog.close()
})

test('a check that is no longer wanted ends at once', async () => {
  const catalog = await openLarge(await filledFolder())
  onTestFinished(() => catalog.close())
  const closing = new AbortController()
  const checking = catalog.checkPages(closing.signal)
  closing.abort()
  await checking
})

test('a large file without a readable schema is refused at the open', async () => {
  const folder = await filledFolder()
  const handle = await open(join(folder, 'catalog.db'), 'r+')
  await handle.write(Buffer.alloc(PAGE - 100, 0xa5), 0, PAGE - 100, 100)
  await handle.close()
  await expect(openLarge(folder)).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' })
})
