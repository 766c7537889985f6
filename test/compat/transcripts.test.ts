import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { RecordDocument } from '../support/client/generated/operations.ts'
import { askHttp } from '../support/daemon-http.ts'
import {
  type Exchange,
  ONE,
  type RecordedCluster,
  recordedExchanges,
  startRecordedCluster,
} from '../support/recorded-cluster.ts'

interface Answer {
  status: number
  body: unknown
}

/** The right answers, for exchanges in which the legacy system is wrong. */
const RIGHT: Record<string, (ours: Answer, recorded: Exchange) => void> = {
  'v2 action bogus': ({ status, body }) => {
    expect(status).toBe(400)
    expect(body).toContain('ask for run, sleep or wakeup')
  },
  'v2 records': ({ status, body }, recorded) => expectOwnRecords({ status, body }, recorded.body),
  'v2 records total': ({ status, body }) => {
    expect(status).toBe(200)
    expect(body).toHaveLength(1)
    expectOwnArgs(body as LegacyRecord[])
  },
  'v2 record unknown': ({ status, body }) => {
    expect(status).toBe(404)
    expect(body).toContain('There is no record "nope" of hello')
  },
  'v1 records': ({ status, body }) => {
    expect(status).toBe(200)
    expectOwnArgs(body as LegacyRecord[])
  },
  'v1 record': ({ status, body }) => {
    expect(status).toBe(200)
    expectOwnArgs([body as LegacyRecord])
  },
  'v1 backups full proc name': expectOnlyDb,
  'v1 backups no volume': expectBothVolumes,
  'v2 backups no volume': expectBothVolumes,
  'v2 delete traversal': ({ status, body }) => {
    expect(status).toBe(400)
    expect(body).toContain('nothing was deleted')
  },
  // The legacy system answered 204 to a delete that named nothing, as if it had done what was meant.
  'v2 delete none': ({ status, body }) => {
    expect(status).toBe(400)
    expect(body).toContain('Not deleted: the request names no backup')
  },
  'v2 system backup': ({ status, body }) => {
    expect(status).toBe(403)
    expect(body).toContain('is outside')
  },
  'v2 system notify bad': ({ status, body }) => {
    expect(status).toBe(400)
    expect(body).toContain('The record is not valid')
  },
}

interface LegacyRecord {
  id: string
  rid: string
  args: Record<string, unknown>
  result: { file: string }
}

function expectOwnRecords({ status, body }: Answer, recorded: unknown): void {
  expect(status).toBe(200)
  const rids = (list: unknown) => (list as LegacyRecord[]).map(({ rid }) => rid)
  expect(rids(recorded)).toEqual(expect.arrayContaining(rids(body)))
  expectOwnArgs(body as LegacyRecord[])
}

/** The result must belong to the record's own volume. */
function expectOwnArgs(records: LegacyRecord[]): void {
  for (const { args, result } of records) expect(result.file.startsWith(String(args.archive))).toBe(true)
  expect(new Set(records.map(({ args }) => args.archive)).size).toBe(
    new Set(records.map(({ id }) => id)).size,
  )
}

function volumesOf(body: unknown): string[] {
  return [...new Set((body as { volume: string }[]).map(({ volume }) => volume))]
}

function expectOnlyDb({ status, body }: Answer): void {
  expect(status).toBe(200)
  expect(volumesOf(body)).toEqual(['/data/db'])
}

function expectBothVolumes({ status, body }: Answer): void {
  expect(status).toBe(200)
  expect(volumesOf(body)).toEqual(['/data/db', '/data/files'])
}

/** What happened to the files between the recorded requests. */
const BEFORE: Record<string, (cluster: RecordedCluster) => Promise<void>> = {
  async 'v2 recover full'({ write }) {
    await write(1, 'db/table', 'damaged')
    await write(1, 'db/extra', 'more')
  },
  async 'v2 recover increment one file'({ write }) {
    await write(1, 'files/time.log', 'damaged')
    await write(1, 'files/sub/s.txt', 'damaged')
  },
}

/** Recorded names and ids → ours: what a run made has another second in its name. */
class Names {
  readonly #pairs: [string, string][] = []

  learn(recorded: string, ours: string): void {
    this.#pairs.push([recorded, ours])
  }

  translate<T>(value: T): T {
    const text = this.#pairs.reduce((told, [from, to]) => told.replaceAll(from, to), JSON.stringify(value))
    return JSON.parse(text) as T
  }
}

const RID = /^\d{10}[0-9a-f]{32}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/

/** Removes values that differ between runs. */
function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(steady).sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
  if (typeof value === 'string') {
    return TIME.test(value) ? '<time>' : value.replace(/-\d{10}\.tar\.gz$/, '-<seconds>.tar.gz')
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (name === 'mem_stats') return [name, typeof (each as { Alloc: unknown }).Alloc]
      return [name, name === 'size' || name === 'goroutines' ? typeof each : steady(each)]
    }),
  )
}

function sortKey(value: unknown): string {
  return JSON.stringify(value)
}

type Verdict = 'same' | 'corrected' | 'error says what to do' | 'DIFFERENT'

function verdictOn(recorded: Exchange, ours: Answer): Verdict {
  const correction = RIGHT[recorded.name]
  if (correction) {
    correction(ours, recorded)
    return 'corrected'
  }
  if (ours.status !== recorded.status) return 'DIFFERENT'
  if (isDeepStrictEqual(steady(ours.body), steady(recorded.body))) return 'same'
  return isBetterError(recorded, ours) ? 'error says what to do' : 'DIFFERENT'
}

function isBetterError({ status = 0, body }: Exchange, ours: Answer): boolean {
  if (status < 400 || typeof ours.body !== 'string') return false
  return typeof body === 'string' ? ours.body.startsWith(body) : ours.body.includes('. ')
}

test('every recorded exchange has the same answer, with the increment as a series of snapshots', async () => {
  const cluster = await startRecordedCluster({ mirror: false })
  await replay(cluster, await recordedExchanges(cluster.volumes))
})

/** Skipped if the legacy system made the increment itself. */
const MADE_BEFORE = 'v2 run increment'

test('every recorded exchange has the same answer on a store with a legacy increment', async () => {
  const cluster = await startRecordedCluster({ mirror: true })
  await replay(
    cluster,
    (await recordedExchanges(cluster.volumes)).filter(({ name }) => name !== MADE_BEFORE),
  )
})

async function replay(cluster: RecordedCluster, exchanges: Exchange[]): Promise<void> {
  const { controller } = cluster
  const names = new Names()
  const table: string[][] = []
  await untilJobsAreTaken(cluster)
  let lastRun: Run | undefined
  for (const exchange of exchanges) {
    if (exchange.name === 'v2 backups' || exchange.name === 'v1 backups')
      await learnBackups(cluster, exchange, names)
    await BEFORE[exchange.name]?.(cluster)
    const recorded = names.translate(exchange)
    if (recorded.state) {
      table.push([recorded.name, 'what is on disk', '', '', await stateVerdict(cluster, recorded, lastRun)])
      continue
    }
    const { method = '', path = '', form } = recorded
    const ours = await askHttp(controller.url, method, path, form ? { form } : {})
    expect([recorded.name, ours.type]).toEqual([recorded.name, recorded.type])
    if (typeof ours.body === 'string' && RID.test(ours.body)) {
      names.learn(String(recorded.body), ours.body)
      lastRun = await runOf(cluster, ours.body)
    }
    const verdict = verdictOn(names.translate(recorded), ours)
    table.push([
      recorded.name,
      `${method} ${path.replaceAll(/\d{10}[0-9a-f]{32}/g, '<rid>')}`,
      String(recorded.status),
      String(ours.status),
      verdict,
    ])
    expect({
      name: recorded.name,
      verdict,
      body: verdict === 'DIFFERENT' ? JSON.stringify([ours, recorded]) : '',
    }).not.toMatchObject({ verdict: 'DIFFERENT' })
  }
  print(table)
  expect(table).toHaveLength(exchanges.length)
}

function print(table: string[][]): void {
  const widths = [32, 120, 6, 5]
  const rows = [['exchange', 'route', 'record', 'ours', 'verdict'], ...table]
  console.log(rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' ')).join('\n'))
}

interface Run {
  state: string
  reason: string | null
}

async function runOf({ controller }: RecordedCluster, rid: string): Promise<Run> {
  const record = async () => (await controller.execute(RecordDocument, { rid })).record
  await expect.poll(async () => (await record())?.state, { timeout: 30_000 }).not.toMatch(/QUEUED|RUNNING/)
  const ended = await record()
  expect({ rid, state: ended?.state, reason: ended?.reason }).toMatchObject({ state: 'SUCCESS' })
  return { state: String(ended?.state).toLowerCase(), reason: ended?.reason ?? null }
}

async function untilJobsAreTaken({ controller, one, two }: RecordedCluster): Promise<void> {
  for (const [daemon, count] of [
    // With the job that verifies backups, which lists for old scripts leave out.
    [one, 5],
    [two, 4],
  ] as const) {
    const counted = async () => (await askHttp(daemon.url, 'GET', '/api/v1/cron/jobs/count')).body
    await expect.poll(counted).toEqual({ count })
  }
  const next = async () => {
    const { body } = await askHttp(controller.url, 'GET', '/api/v2/app/hello/cron/jobs')
    return (body as { next: string }[]).filter((job) => !job.next.startsWith('0001')).length
  }
  await expect.poll(next).toBe(4)
}

/** Backups made so far, in the order of the recorded list. */
async function learnBackups(
  { controller }: RecordedCluster,
  exchange: Exchange,
  names: Names,
): Promise<void> {
  const { body } = await askHttp(controller.url, 'GET', '/api/v2/app/hello/proc/web/backups')
  const recorded = exchange.body as { name: string }[]
  expect(body).toHaveLength(recorded.length)
  for (const [at, { name }] of recorded.entries()) {
    const ours = (body as { name: string }[])[at]?.name ?? ''
    if (ours !== name) names.learn(name, ours)
  }
}

/** Checks the files; if the recorded run failed, ours must have succeeded. */
async function stateVerdict({ volumeFile }: RecordedCluster, { name, state = {} }: Exchange, run?: Run) {
  const migrated = name.startsWith('after migrate')
  const no = migrated ? 2 : 1
  const read = (path: string) =>
    readFile(volumeFile(no, path), 'utf8').catch((error: NodeJS.ErrnoException) => String(error.code))
  const files: Record<string, string> = {
    table: 'db/table',
    extra: 'db/extra',
    time: 'files/time.log',
    sub: 'files/sub/s.txt',
  }
  for (const [what, recorded] of Object.entries(state)) {
    const right = migrated ? recorded.replace(/^(row|time|s)(\s?)2\n$/, '$1$21\n') : recorded
    if (files[what]) expect([name, what, await read(files[what])]).toEqual([name, what, right])
  }
  expect([name, run?.state]).toEqual([name, 'success'])
  return migrated ? 'corrected' : 'same'
}

test('a copy of the catalog is written below the copies directory', async () => {
  const { controller, folder } = await startRecordedCluster({ mirror: false })
  const answer = await askHttp(controller.url, 'POST', '/api/v2/system/backup', { form: { dir: 'lab' } })
  expect(answer).toMatchObject({ status: 200, body: 'CREATED' })
  const outside = await askHttp(controller.url, 'POST', '/api/v2/system/backup', {
    form: { dir: join(folder, 'copies/../x') },
  })
  expect(outside).toMatchObject({ status: 403, code: 'FORBIDDEN' })
  expect(await askHttp(controller.url, 'GET', `/api/v2/server/${ONE}/debug`)).toMatchObject({ status: 200 })
})
