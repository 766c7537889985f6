// How quickly the catalog stores news and lists records, compared with raw better-sqlite3 doing the least possible.
//   node bench/catalog.ts [RECORDS]      100,000 by default
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openCatalog } from '../src/catalog/catalog.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { RunRecord } from '../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../test/support/catalog-samples.ts'
import { silentLog } from '../test/support/silent-log.ts'

const COUNT = Number(process.argv[2] ?? 100_000)
const folder = mkdtempSync(join(tmpdir(), 'backupd-bench-catalog-'))

async function measure(what: string, count: number, work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  const rate = (count / ms) * 1000
  console.log(
    `${what.padEnd(52)} ${rate.toFixed(0).padStart(8)} /s ${(ms / count).toFixed(3).padStart(9)} ms each`,
  )
  return rate
}

function recordNumber(n: number): RunRecord {
  const app = `app${n % 50}`
  return sampleRecord({
    rid: ridOf(n),
    jobId: `0a000001${n % 500}`,
    server: `10.0.0.${n % 20}`,
    state: n % 100 === 0 ? 'failed' : 'success',
    start: new Date(1_700_000_000_000 + n * 60_000).toISOString(),
    args: { app, proc: `${app}.web.web`, volume: `/data/${n % 3}`, instanceNo: 1, mode: 'full' },
    result:
      n % 4 === 0
        ? { backup: sampleBackup({ name: `b-${n}.tar.gz`, sequence: n, server: `10.0.0.${n % 20}`, app }) }
        : null,
  })
}

function* numbers(from: number, to: number): Generator<number> {
  for (let n = from; n < to; n++) yield n
}

async function benchRaw(): Promise<number> {
  const raw = new Database(join(folder, 'raw.db'))
  raw.pragma('journal_mode = WAL')
  raw.pragma('synchronous = FULL')
  raw.exec('CREATE TABLE record (rid TEXT PRIMARY KEY, json TEXT)')
  const insert = raw.prepare('INSERT INTO record VALUES (?, ?)')
  const rate = await measure('raw better-sqlite3: insert, one transaction each', 2000, () => {
    for (const n of numbers(0, 2000)) insert.run(ridOf(n), JSON.stringify(recordNumber(n)))
  })
  raw.close()
  return rate
}

const rawRate = await benchRaw()
const catalog = await openCatalog({
  dataDir: folder,
  copyDir: join(folder, 'copies'),
  log: silentLog,
  clock: systemClock,
})
const { records, backups } = catalog
await measure('take, 500 ended runs at once', COUNT, async () => {
  for (let n = 0; n < COUNT; n += 500)
    await records.apply([...numbers(n, Math.min(n + 500, COUNT))].map(recordNumber))
})
const takeRate = await measure('take, one change of state at a time', 1000, async () => {
  for (const n of numbers(COUNT, COUNT + 1000)) await records.apply([sampleRecord({ rid: ridOf(n) })])
})
await measure('take, progress', 5000, async () => {
  for (const n of numbers(2, 5002)) await records.apply([sampleRecord({ rid: ridOf(COUNT), seq: n })])
})
const lists: Record<string, () => Promise<unknown>> = {
  'records, first page': () => records.find({}, { first: 20 }),
  'records of an app': () => records.find({ app: 'app7' }, { first: 20 }),
  'records of an app that failed': () => records.find({ app: 'app0', states: ['failed'] }, { first: 20 }),
  'records that failed': () => records.find({ states: ['failed', 'partial', 'lost'] }, { first: 20 }),
  'records that succeeded or failed': () => records.find({ states: ['success', 'failed'] }, { first: 20 }),
  'records of a job': () => records.find({ jobId: '0a00000177' }, { first: 20 }),
  'records of a server, running': () =>
    records.find({ server: '10.0.0.1', states: ['running'] }, { first: 20 }),
  'records of a volume and mode alone': () =>
    records.find({ volumes: ['/data/1'], mode: 'full' }, { first: 20 }),
  'records of a month': () =>
    records.find({ from: '2023-12-01T00:00:00Z', to: '2024-01-01T00:00:00Z' }, { first: 20 }),
  'last record of 500 jobs': () => records.lastOfJobs([...numbers(0, 500)].map((n) => `0a000001${n}`)),
  'events since, 100': () => records.eventsSince(1000, { app: 'app7' }, 100),
  'backups, first page': () => backups.find({}, { first: 50 }),
  'backups of an app': () => backups.find({ app: 'app8' }, { first: 50 }),
  'backups of an app and volume': () => backups.find({ app: 'app8', volumes: ['/data/db'] }, { first: 50 }),
  'last good of one volume': () => backups.lastGood([{ server: '10.0.0.0', source: sampleBackup().source }]),
}
for (const [what, list] of Object.entries(lists)) {
  await measure(what, 20, async () => {
    for (const _ of numbers(0, 20)) await list()
  })
}
await measure('walk all records by pages of 500, per page', Math.ceil(COUNT / 500), async () => {
  let after: string | undefined
  do after = (await records.find({}, { first: 500, after })).items.at(-1)?.cursor
  while (after)
})
await measure('copy', 1, () => catalog.copier.copyTo('.'))
await catalog.close()
await measure('open', 1, async () =>
  (await openCatalog({ dataDir: folder, copyDir: folder, log: silentLog, clock: systemClock })).close(),
)
console.log(
  `take one at a time / raw insert: ${(takeRate / rawRate).toFixed(2)}; memory ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
)
rmSync(folder, { recursive: true })
