import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { makeBackupRow } from '../../src/catalog/backup-rows.ts'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import type { RecordStore } from '../../src/domain/ports.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { silentLog } from '../support/silent-log.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))
/** The last migration of the version whose catalog is upgraded here. */
const LAST_MIGRATION = '20261129165238_changed_while_read'

/** A catalog as the version before wrote it: complete JSON for each record and event, no table of the newest. */
async function oldCatalog(records: RunRecord[], backups: BackupInfo[]): Promise<string> {
  const folder = await tempFolder()
  const migrations = join(folder, 'migrations')
  await mkdir(migrations)
  for (const name of await readdir(MIGRATIONS))
    if (name <= LAST_MIGRATION) await cp(join(MIGRATIONS, name), join(migrations, name), { recursive: true })
  const file = join(folder, 'catalog.db')
  await openCatalogDatabase(file, { log: silentLog, clock: systemClock, migrations }).$disconnect()
  const database = new Database(file)
  const insert = (table: string, row: object) => {
    const names = Object.keys(row)
    const values = Object.values(row).map((value) => (typeof value === 'boolean' ? Number(value) : value))
    const marks = names.map(() => '?').join()
    database.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${marks})`).run(values)
  }
  for (const [n, record] of records.entries()) {
    const json = JSON.stringify(record)
    insert('Record', { ...oldRow(record), eventSeq: n + 1 })
    insert('RecordBody', { rid: record.rid, json })
    insert('RecordEvent', { seq: n + 1, rid: record.rid, app: 'hello', at: Date.now(), json })
  }
  for (const info of backups) {
    const { proof: _later, ...row } = makeBackupRow(info, { toldAt: '', touched: 1 })
    insert('Backup', row)
  }
  database.close()
  return folder
}

function oldRow({ rid, start, server, jobId, action, state, args }: RunRecord) {
  const { app, proc, volume, instanceNo, mode } = args
  const startKey = `${new Date(start).toISOString()} ${rid}`
  return { rid, startKey, server, jobId, action, state, app, proc, volume, instanceNo, mode }
}

test('a catalog of the version before is upgraded in place, and reads as before', async () => {
  const backup = sampleBackup()
  const good = sampleRecord({
    state: 'success',
    end: '2026-11-23T09:24:07Z',
    result: { file: backup.name, size: backup.size, backup },
  })
  const running = sampleRecord({ rid: ridOf(2), start: '2026-11-24T08:44:53Z' })
  const oneOff = sampleRecord({ rid: ridOf(3), jobId: '', state: 'failed', start: '2026-11-22T00:00:00Z' })
  const bad = sampleBackup({ name: 'bad', sequence: 9, corrupt: 'cut' })
  const folder = await oldCatalog([good, running, oneOff], [backup, bad])
  const { records, backups, close } = await openCatalogIn(folder)
  onTestFinished(() => close())

  const { items } = await records.find({}, { first: 10 })
  expect(items.map(({ node }) => node)).toEqual([running, good, oneOff])
  expect((await records.eventsSince(0, {}, 10)).map(({ record }) => record)).toEqual([good, running, oneOff])
  expect(await records.unfinished()).toEqual([running])
  expect(await records.lastOfJobs([running.jobId, ''])).toEqual(new Map([[running.jobId, running]]))
  const { server, source } = backup
  expect(await backups.lastGood([{ server, source }])).toEqual(new Map([[`${server} ${source}`, backup]]))

  const ended = { ...running, seq: 9, state: 'failed' as const, end: '2026-11-24T09:00:00Z' }
  const [kept] = await records.apply([ended])
  expect(await records.get(running.rid)).toEqual(kept)
  expect((await records.eventsSince(3, {}, 10)).at(-1)).toEqual(kept)
  const between = sampleRecord({ rid: ridOf(4), jobId: '', state: 'failed', start: '2026-11-23T12:00:00Z' })
  await records.apply([between, { ...between, rid: ridOf(5), start: oneOff.start }])
  const [one, two, three, four, five] = await listByOne(records)
  expect([one, two, three]).toEqual([ended.rid, between.rid, good.rid])
  expect([four, five].toSorted()).toEqual([oneOff.rid, ridOf(5)])
  const { deleted } = await records.forget({ before: '2030-01-01T00:00:00.000Z', after: null })
  expect(deleted).toBe(3)
})

/** The rids of all records, read in pages of one. */
async function listByOne(records: RecordStore): Promise<string[]> {
  const rids: string[] = []
  let after: string | undefined
  do {
    const { items, hasNextPage } = await records.find({}, { first: 1, after })
    rids.push(...items.map(({ node }) => node.rid))
    after = hasNextPage ? items.at(-1)?.cursor : undefined
  } while (after !== undefined)
  return rids
}
