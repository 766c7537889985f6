import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

const PAGE = { first: 10 }
const OTHER = '10.0.0.2'

const shopRun = (n: number) =>
  sampleRecord({ rid: ridOf(n), server: OTHER, jobId: '', args: { app: 'shop' }, state: 'success' })

/** The present pages of hello: an answer that was kept is the same object. */
async function readPages({ records, backups }: Catalog) {
  return {
    records: await records.find({ app: 'hello' }, PAGE),
    ended: await records.find({ app: 'hello', states: ['success'] }, PAGE),
    onServer: await records.find({ server: '10.0.0.1' }, PAGE),
    backups: await backups.find({ app: 'hello' }, PAGE),
  }
}

async function startCatalog(): Promise<Catalog> {
  const catalog = await tempCatalog()
  const backup = sampleBackup({ server: OTHER })
  await catalog.records.apply([
    sampleRecord(),
    sampleRecord({ rid: ridOf(2), server: OTHER, jobId: '', state: 'success', result: { backup } }),
  ])
  return catalog
}

test('pages of an app stay cached while others write', async () => {
  const catalog = await startCatalog()
  const before = await readPages(catalog)
  await catalog.servers.save({ ip: OTHER, daemonId: 'd', lastSeen: null, leaving: false, timeZone: null })
  await catalog.audit.write({
    at: '2026-11-30T00:00:00.000Z',
    who: 'me',
    verb: 'v',
    facts: {},
    outcome: 'done',
  })
  await catalog.records.apply([shopRun(3)])
  const after = await readPages(catalog)
  expect(after.ended).toBe(before.ended)
  expect(after.backups).toBe(before.backups)
})

test('mere progress shows at once in a page that stays cached', async () => {
  const catalog = await startCatalog()
  const { records } = catalog
  const ended = await records.find({ app: 'hello', states: ['success'] }, PAGE)
  const before = await readPages(catalog)
  await records.apply([sampleRecord({ seq: 2, progress: sampleProgress(500) })])
  const after = await readPages(catalog)
  expect(after.records.items.map(({ node }) => node.progress?.bytesDone)).toEqual([undefined, 500])
  expect(before.records.items.map(({ node }) => node.progress?.bytesDone)).toEqual([undefined, undefined])
  expect(await records.find({ app: 'hello', states: ['success'] }, PAGE)).toBe(ended)
})

test('a page is read again after each write that it shows', async () => {
  const catalog = await startCatalog()
  const { records, backups } = catalog
  const show = async () => {
    const pages = await readPages(catalog)
    return {
      states: pages.records.items.map(({ node }) => node.state),
      servers: pages.onServer.items.length,
      backups: pages.backups.items.map(({ node }) => node.corrupt),
    }
  }
  expect(await show()).toEqual({ states: ['success', 'running'], servers: 1, backups: [null] })
  await records.apply([sampleRecord({ seq: 2, state: 'failed', end: '2026-11-23T08:45:00Z' })])
  expect(await show()).toMatchObject({ states: ['success', 'failed'] })
  const corrupt = sampleBackup({ server: OTHER, corrupt: 'a bad block' })
  await backups.reconcile(OTHER, pageOf(corrupt), false)
  expect(await show()).toMatchObject({ backups: ['a bad block'] })
  await backups.remove(OTHER, [corrupt.name])
  expect(await show()).toMatchObject({ backups: [] })
})

test('a page is read again after news that ends its record or deletes its backup; a record keeps its app', async () => {
  const catalog = await startCatalog()
  const before = await readPages(catalog)
  expect(before.backups.items).toHaveLength(1)
  await catalog.records.apply([
    sampleRecord({ seq: 2, args: { app: 'shop' }, state: 'failed', end: '2026-11-23T08:45:00Z' }),
    { ...shopRun(4), action: 'backup_expire', result: { deleted: [sampleBackup().name] } },
  ])
  const after = await readPages(catalog)
  expect(after.records.items.map(({ node }) => [node.rid, node.state])).toEqual([
    [ridOf(2), before.records.items[0]?.node.state],
    [ridOf(1), 'failed'],
  ])
  expect(after.backups.items).toEqual([])
})

test('what is known of one run is read again after its news only', async () => {
  const { records } = await startCatalog()
  expect(await records.get(ridOf(3))).toBeUndefined()
  const kept = await records.get(ridOf(2))
  await records.apply([shopRun(3)])
  expect(await records.get(ridOf(2))).toBe(kept)
  expect(await records.get(ridOf(3))).toMatchObject({ record: { args: { app: 'shop' } } })
})

async function* pageOf(...backups: ReturnType<typeof sampleBackup>[]) {
  yield backups
}
