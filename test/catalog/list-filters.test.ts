import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { countCorrupt } from '../../src/catalog/count-corrupt.ts'
import { type CatalogDb, openCatalogDatabase } from '../../src/catalog/database.ts'
import { countBackupRows, findBackupRows } from '../../src/catalog/find-backups.ts'
import { findConditions } from '../../src/catalog/find-conditions.ts'
import { countRecordRows, findRecordRows } from '../../src/catalog/find-records.ts'
import { Prisma } from '../../src/catalog/generated/client.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type BackupInfo, hasUnreadableManifest } from '../../src/wire/backup.ts'
import { findApp } from '../../src/wire/find-app.ts'
import type { BackupFilter, Page, RecordFilter, Slice } from '../../src/wire/listing.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { silentLog } from '../support/silent-log.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

/** All fields: the types demand that a new one is added here, and so is tried. */
const RECORD_FILTER: Required<RecordFilter> = {
  app: 'hello',
  apps: ['hello', 'none'],
  proc: 'hello.web.web',
  volumes: ['/data/db', '/data/files', '/data/none'],
  instanceNo: 1,
  mode: 'full',
  action: 'backup',
  server: '10.0.0.1',
  jobId: 'job1',
  states: ['success', 'failed', 'failed'],
  from: '2026-11-02T00:00:00.000Z',
  to: '2026-11-29T00:00:00.000Z',
}
const BACKUP_FILTER: Required<BackupFilter> = {
  app: 'hello',
  apps: ['hello', 'none'],
  proc: 'hello.web.web',
  volumes: ['/data/db'],
  instanceNo: 1,
  mode: 'full',
  server: '10.0.0.1',
  names: ['b1', 'b2', 'b3', 'b4', 'b5', 'none'],
  from: '2026-11-02T00:00:00.000Z',
  to: '2026-11-29T00:00:00.000Z',
  held: true,
}

/** Every combination of the fields of a filter. */
function combine<T extends object>(full: T): Partial<T>[] {
  let all: Partial<T>[] = [{}]
  for (const [name, value] of Object.entries(full))
    all = all.flatMap((one) => [one, { ...one, [name]: value }])
  return all
}

/** One of some values, the same for the same number. */
function pick<T>(n: number, salt: number, ...values: T[]): T {
  return values[Math.floor(((n * 7919 + salt * 104_729) % 9973) / 7) % values.length] as T
}

function dayOf(n: number): string {
  return `2026-11-${String(1 + (n % 30)).padStart(2, '0')}T${String(n % 7).padStart(2, '0')}:00:00.000Z`
}

function makeRecord(n: number): RunRecord {
  const args = {
    app: pick(n, 1, 'hello', 'hello', 'shop'),
    proc: pick(n, 2, 'hello.web.web', 'hello.web.web', 'web', 'hello.worker.mail'),
    volume: pick(n, 3, '/data/db', '/data/files', ''),
    ...pick<object>(n, 4, { instanceNo: 1 }, { instanceNo: 1 }, { instanceNo: 2 }, {}),
    mode: pick(n, 5, 'full', 'full', 'increment'),
  }
  return sampleRecord({
    rid: ridOf(n),
    args,
    server: pick(n, 6, '10.0.0.1', '10.0.0.1', '10.0.0.2'),
    jobId: pick(n, 7, 'job1', 'job1', 'job2', ''),
    action: pick(n, 8, 'backup', 'backup', 'backup_recover'),
    state: pick(n, 9, 'success', 'success', 'failed', 'running', 'lost'),
    start: dayOf(n),
  })
}

function makeBackup(n: number): BackupInfo {
  const app = pick(n, 1, 'hello', 'hello', 'shop')
  return sampleBackup({
    name: `b${n % 200}`,
    app,
    proc: `${app}.${pick(n, 2, 'web.web', 'web.web', 'worker.mail')}`,
    volume: pick(n, 3, '/data/db', '/data/files'),
    instanceNo: pick(n, 4, 1, 1, 2),
    mode: pick(n, 5, 'full', 'full', 'increment'),
    server: n < 200 ? '10.0.0.1' : '10.0.0.2',
    created: dayOf(n),
    sequence: n,
    corrupt: n % 100 === 3 ? 'cut' : null,
    holds: n % 9 === 1 ? ['case 4711'] : [],
    ...(n % 200 === 103 && { rid: null }),
  })
}

const records = Array.from({ length: 600 }, (_, n) => makeRecord(n + 1))
const backups = Array.from({ length: 400 }, (_, n) => makeBackup(n))

/** A catalog on disk with these, opened without its stores. */
async function openFilled(): Promise<{ db: CatalogDb; file: string }> {
  const folder = await tempFolder()
  const catalog = await openCatalogIn(folder)
  await catalog.records.apply(records)
  for (const server of ['10.0.0.1', '10.0.0.2'])
    await catalog.backups.reconcile(server, pagesOf(backups.filter((one) => one.server === server)), false)
  await catalog.close()
  const file = join(folder, 'catalog.db')
  const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  onTestFinished(() => db.$disconnect())
  return { db, file }
}

async function* pagesOf(page: BackupInfo[]): AsyncGenerator<BackupInfo[]> {
  yield page
}

/** The same database, which tells each statement. */
function listenTo(db: CatalogDb, onQuery: (sql: Prisma.Sql) => void): CatalogDb {
  const $queryRaw = (first: Prisma.Sql | TemplateStringsArray, ...values: unknown[]) => {
    const sql = first instanceof Prisma.Sql ? first : Prisma.sql(first, ...(values as never[]))
    onQuery(sql)
    return db.$queryRaw(sql)
  }
  return new Proxy(db, {
    get: (target, name) => (name === '$queryRaw' ? $queryRaw : Reflect.get(target, name)),
  })
}

/** Explains the plans of statements, in their own database. */
function openExplainer(file: string): (sql: Prisma.Sql) => string[] {
  const database = new Database(file, { readonly: true })
  onTestFinished(() => void database.close())
  const known = new Map<string, string[]>()
  return ({ sql, values }) => {
    const explain = () =>
      database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
    const plan = known.get(sql) ?? explain().map(({ detail }) => detail)
    known.set(sql, plan)
    return plan
  }
}

/** A table is read as `n`: all of it, or all of it within some time. */
const READS_ALL = /^SCAN (n|Record|Backup)\b|^SEARCH n .*\((startKey|createdKey)[<>]/

/** What reads more than a filter needs, or sorts more than one page of each range. */
function findFlaws(plan: string[], filter: object): string[] {
  const isByTime = Object.keys(filter).every((name) => name === 'from' || name === 'to')
  const reads = isByTime
    ? []
    : plan.filter((line) => READS_ALL.test(line) && !line.includes('Backup_kept_idx'))
  const sorts = plan.filter((line) => line === 'USE TEMP B-TREE FOR ORDER BY')
  // Pages of several ranges are merged; backups of one name are few.
  const isMerged = plan.some((line) => line.includes('LIST SUBQUERY'))
  const isOfName = plan.some((line) => line.includes('Backup_name_idx'))
  return [...reads, ...sorts.slice(Number(isMerged) + Number(isOfName))]
}

function matchesRecord(record: RunRecord, filter: RecordFilter): boolean {
  const { args } = record
  const { proc, volumes, states, from = '', to = '9' } = filter
  const app = filter.app ?? proc?.split('.')[0]
  return (
    (app === undefined || findApp(record) === app) &&
    (filter.apps === undefined || filter.apps.includes(findApp(record))) &&
    (proc === undefined || args.proc === proc || args.proc === 'web') &&
    (volumes === undefined || volumes.includes(String(args.volume))) &&
    (filter.instanceNo === undefined || args.instanceNo === filter.instanceNo) &&
    (filter.mode === undefined || args.mode === filter.mode) &&
    (filter.action === undefined || record.action === filter.action) &&
    (filter.server === undefined || record.server === filter.server) &&
    (filter.jobId === undefined || record.jobId === filter.jobId) &&
    (states === undefined || states.includes(record.state)) &&
    record.start >= from &&
    record.start < to
  )
}

function matchesBackup(backup: BackupInfo, filter: BackupFilter): boolean {
  const { apps, volumes, names, from = '', to = '9', held, ...rest } = filter
  return (
    Object.entries(rest).every(([name, value]) => backup[name as keyof BackupInfo] === value) &&
    (apps === undefined || apps.includes(backup.app)) &&
    (volumes === undefined || volumes.includes(backup.volume)) &&
    (names === undefined || names.includes(backup.name)) &&
    (!held || backup.holds.length > 0 || hasUnreadableManifest(backup)) &&
    backup.created >= from &&
    backup.created < to
  )
}

function compareTexts(one: string, other: string): number {
  return one < other ? 1 : -1
}

/** All items, read in pages if the filter has few fields. */
async function readAll<T>(filter: object, find: (page: Page) => Promise<Slice<T>>): Promise<T[]> {
  const found: T[] = []
  const first = Object.keys(filter).length <= 2 ? 150 : 1000
  for (let after: string | undefined; ; ) {
    const { items, hasNextPage } = await find({ first, after })
    found.push(...items.map(({ node }) => node))
    after = items.at(-1)?.cursor
    if (!hasNextPage) return found
  }
}

test('records are found by every combination of filters, and none reads the whole table', async () => {
  const { db, file } = await openFilled()
  const explain = openExplainer(file)
  const expected = records.toSorted((a, b) => compareTexts(`${a.start} ${a.rid}`, `${b.start} ${b.rid}`))
  const flaws = new Set<string>()
  for (const filter of combine(RECORD_FILTER)) {
    const spied = listenTo(db, (sql) => {
      if (sql.sql.includes('"JobContent"')) return
      for (const flaw of findFlaws(explain(sql), filter)) flaws.add(`${Object.keys(filter)}: ${flaw}`)
    })
    const wanted = expected.filter((record) => matchesRecord(record, filter)).map(({ rid }) => rid)
    const found = await readAll(filter, (page) => findRecordRows(spied, filter, page))
    expect(found.map(({ rid }) => rid)).toEqual(wanted)
    expect((await countRecordRows(spied, filter)).count).toBe(wanted.length)
  }
  expect([...flaws]).toEqual([])
}, 120_000)

test('backups are found by every combination of filters, and none reads the whole table', async () => {
  const { db, file } = await openFilled()
  const explain = openExplainer(file)
  const keyOf = ({ created, server, name }: BackupInfo) => `${created} ${server} ${name}`
  const flaws = new Set<string>()
  for (const filter of combine(BACKUP_FILTER)) {
    const spied = listenTo(db, (sql) => {
      for (const flaw of findFlaws(explain(sql), filter)) flaws.add(`${Object.keys(filter)}: ${flaw}`)
    })
    const { server, app, proc, volumes, instanceNo } = filter
    const isOneVolume =
      !filter.held && [server, app, proc, volumes, instanceNo].every((value) => value !== undefined)
    const wanted = backups
      .filter((backup) => matchesBackup(backup, filter))
      .toSorted((a, b) => (isOneVolume ? b.sequence - a.sequence : compareTexts(keyOf(a), keyOf(b))))
    const found = await readAll(filter, (page) => findBackupRows(spied, filter, page))
    expect(found.map(keyOf), JSON.stringify(filter)).toEqual(wanted.map(keyOf))
    expect(found).toEqual(wanted)
    expect((await countBackupRows(spied, filter)).count).toBe(wanted.length)
  }
  expect([...flaws]).toEqual([])
}, 120_000)

test('backups that may be held are found in one index of their own, without a sort', async () => {
  const { db, file } = await openFilled()
  const explain = openExplainer(file)
  const plans: string[] = []
  const spied = listenTo(db, (sql) => plans.push(...explain(sql)))
  const { items } = await findBackupRows(spied, { held: true, apps: ['hello', 'none'] }, { first: 10 })
  await findBackupRows(spied, { held: true }, { first: 10, after: items.at(-1)?.cursor })
  await countBackupRows(spied, { held: true })
  const reads = plans.filter((line) => line.includes('Backup_kept_idx'))
  expect(reads).toHaveLength(3)
  expect(reads[1]).toMatch(/^SEARCH n .*createdKey</)
  expect(
    plans.filter((line) => /TEMP B-TREE|(SCAN|SEARCH) n (?!USING INDEX Backup_kept_idx)/.test(line)),
  ).toEqual([])
})

test('corrupt backups are counted without a look at the others', async () => {
  const { db, file } = await openFilled()
  const explain = openExplainer(file)
  const plans: string[] = []
  const spied = listenTo(db, (sql) => plans.push(...explain(sql).filter((line) => / Backup\b/.test(line))))
  const countsOf = (server: string) => [
    { server, isUnreadable: false, count: 1, names: ['b3'] },
    { server, isUnreadable: true, count: 1, names: ['b103'] },
  ]
  expect(await countCorrupt(spied, '10.0.0.2')).toEqual(countsOf('10.0.0.2'))
  expect(await countCorrupt(spied)).toEqual(['10.0.0.1', '10.0.0.2'].flatMap(countsOf))
  expect(await countCorrupt(spied, '10.0.0.9')).toEqual([])
  expect(plans).toHaveLength(3)
  for (const line of plans) expect(line).toMatch(/USING INDEX Backup_corrupt_idx/)
})

test('backups that are held because of an unusual run are found without a look at the others', async () => {
  const { db, file } = await openFilled()
  const explain = openExplainer(file)
  const plans: string[] = []
  const spied = listenTo(db, (sql) => {
    if (sql.sql.includes('"holds"')) plans.push(...explain(sql))
  })
  const keys = [{ server: '10.0.0.1', source: '/none', mode: 'full' as const, app: 'a' }]
  expect(await findConditions(spied, keys)).toMatchObject([{ unusual: null }])
  expect(plans.filter((line) => / Backup\b/.test(line))).toEqual([
    expect.stringContaining('USING INDEX Backup_held_idx'),
  ])
})
