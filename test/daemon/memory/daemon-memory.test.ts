import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDaemonMemory, type DaemonMemory } from '../../../src/daemon/memory/daemon-memory.ts'
import { type DaemonDb, openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { MAX_SILENCE_MS, Outbox } from '../../../src/daemon/memory/outbox.ts'
import { newRid } from '../../../src/wire/ids.ts'
import { jobSchema } from '../../../src/wire/job.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { keptLog, movedClock, sampleRun, temporaryDir } from '../../support/daemon-kit.ts'

const DAY = 86_400_000
const ADDRESS = 'http://127.0.0.1:1/notify'

let dir: ReturnType<typeof temporaryDir>
let file: string
let clock: ReturnType<typeof movedClock>
let log: ReturnType<typeof keptLog>
let db: DaemonDb
let memory: DaemonMemory
let outbox: Outbox
let told: RunRecord[][]

beforeEach(() => {
  dir = temporaryDir()
  file = join(dir.path, 'daemon.db')
  clock = movedClock()
  log = keptLog()
  open()
})

afterEach(() => {
  db.close()
  dir[Symbol.dispose]()
})

function open(): void {
  told = []
  db = openDaemonDatabase(file, log)
  outbox = new Outbox(db, clock)
  memory = createDaemonMemory(db, clock, { kept: (records) => void told.push(records), progressed: () => {} })
}

function reopen(): void {
  db.close()
  open()
}

function jobs(...ids: string[]) {
  return ids.map((id) => jobSchema.parse({ id, spec: '0 5 * * *', action: 'backup', args: { app: 'hello' } }))
}

test('a failure is known after a restart, until a later run of the same volume succeeds', async () => {
  const args = { path: '/srv/db', mode: 'full' }
  const failed = sampleRun({ args, jobId: 'old schedule' })
  await memory.keep([failed.at('running'), failed.at('failed', { reason: 'no room' })])
  const cancelled = sampleRun({ args, rid: newRid(1) })
  await memory.keep([cancelled.at('running'), cancelled.at('cancelled')])
  reopen()
  expect(memory.failures()).toMatchObject([{ rid: failed.rid, reason: 'no room' }])
  const good = sampleRun({ args, jobId: 'new schedule', rid: newRid(2) })
  await memory.keep([good.at('running'), good.at('success')])
  reopen()
  expect(memory.failures()).toEqual([])
})

test('a phase is stored without news, and never replaces the end of a run', async () => {
  const run = sampleRun()
  const phase = { name: 'pack', start: '2026-11-23T09:00:00.000Z', end: null, bytes: 0 }
  const late = run.at('running', { phases: [phase] })
  memory.notePhase(run.at('running', { phases: [phase] }))
  await memory.keep([run.at('running')])
  expect(memory.find(run.rid)?.phases).toBeUndefined()
  memory.notePhase(run.at('running', { phases: [phase] }))
  memory.flush()
  reopen()
  expect(memory.unfinished()).toMatchObject([{ rid: run.rid, phases: [phase] }])
  await memory.keep([run.at('failed')])
  memory.notePhase(late)
  memory.flush()
  expect(memory.find(run.rid)).toMatchObject({ state: 'failed' })
  outbox.add({ address: ADDRESS, protocol: 2 })
  expect(outbox.batch(ADDRESS, 10)?.records.map(({ state }) => state)).toEqual(['running', 'failed'])
  expect(told.flat().map(({ state }) => state)).toEqual(['failed'])
})

test('a database of an earlier version gets the new tables', () => {
  db.exec('DROP TABLE failed_runs')
  reopen()
  expect(memory.failures()).toEqual([])
})

describe('jobs', () => {
  test('the list, its version and sleep marks survive a restart', () => {
    memory.saveJobs(jobs('', 'a', 'b'), 'v7')
    memory.saveSleep('a', true)
    memory.saveSleep('b', true)
    memory.saveSleep('b', false)
    reopen()
    const known = memory.loadJobs()
    expect(known.version).toBe('v7')
    expect(known.jobs.map(({ id, sleep }) => [id, sleep])).toEqual([
      ['', false],
      ['a', true],
      ['b', false],
    ])
    expect(known.jobs[0]?.args).toEqual({ app: 'hello' })
  })

  test('a sleeping job stays asleep after an update, and no mark outlives its job', () => {
    memory.saveJobs(jobs('a', 'b'), 'v1')
    memory.saveSleep('a', true)
    memory.saveSleep('b', true)
    memory.saveJobs(jobs('a'), 'v2')
    memory.saveJobs(jobs('a', 'b'), 'v3')
    expect(memory.loadJobs().jobs.map(({ sleep }) => sleep)).toEqual([true, false])
  })

  test('a new memory knows no jobs', () => {
    expect(memory.loadJobs()).toEqual({ jobs: [], version: '' })
    expect(memory.lastStarts()).toEqual(new Map())
  })

  test('the last start of a job is that of its schedule, not of a manual run', async () => {
    await memory.keep([sampleRun({ start: '2026-11-23T05:00:00.000Z' }).at('running')])
    await memory.keep([sampleRun({ start: '2026-11-22T05:00:00.000Z' }).at('running')])
    await memory.keep([sampleRun({ start: '2026-11-23T07:00:00.000Z', type: 'once' }).at('running')])
    reopen()
    expect(memory.lastStarts()).toEqual(new Map([['j1', Date.UTC(2026, 10, 23, 5)]]))
  })
})

describe('records', () => {
  test('a commit is on disk when it returns: write-ahead log, full sync', () => {
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('synchronous', { simple: true })).toBe(2)
  })

  test('a stored record is on disk when the promise resolves', async () => {
    const run = sampleRun()
    await memory.keep([run.at('queued')])
    const other = new Database(file, { readonly: true })
    const text = other.prepare('SELECT record FROM records').pluck().get() as string
    other.close()
    expect(JSON.parse(text)).toMatchObject({ rid: run.rid, state: 'queued' })
  })

  test('a record is stored as it was when it was passed', async () => {
    const record = sampleRun().at('running')
    const kept = memory.keep([record])
    record.state = 'failed'
    await kept
    expect(memory.find(record.rid)?.state).toBe('running')
    expect(told.flat()[0]?.state).toBe('running')
  })

  test('writes of the same moment share one commit', async () => {
    await Promise.all(Array.from({ length: 500 }, () => memory.keep([sampleRun().at('queued')])))
    expect(told.map((group) => group.length)).toEqual([500])
    expect(memory.unfinished()).toHaveLength(500)
  })

  test('a failed commit is reported to all who waited for it, and changes nothing', async () => {
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON news WHEN json_extract(NEW.record, '$.jobId') = 'bad'
             BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    const good = sampleRun()
    const results = await Promise.allSettled([
      memory.keep([good.at('running')]),
      memory.keep([sampleRun({ jobId: 'bad' }).at('running')]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(memory.find(good.rid)).toBeUndefined()
    expect(told).toEqual([])
    await memory.keep([good.at('running')])
    expect(memory.find(good.rid)?.state).toBe('running')
  })

  test('the newest version is found, and only runs without an end are unfinished', async () => {
    const [first, second] = [sampleRun(), sampleRun()]
    await memory.keep([first.at('queued'), second.at('queued')])
    await memory.keep([first.at('running')])
    await memory.keep([first.at('success')])
    reopen()
    expect(memory.find(first.rid)).toMatchObject({ state: 'success', seq: 3 })
    expect(memory.find('nope')).toBeUndefined()
    expect(memory.unfinished().map(({ rid }) => rid)).toEqual([second.rid])
  })
})

describe('news', () => {
  function newsOf(protocol: 1 | 2): [string, string][] {
    const address = `${ADDRESS}/${protocol}`
    outbox.add({ address, protocol })
    return (outbox.batch(address, 100)?.records ?? []).map(({ rid, state }) => [rid, state])
  }

  test('protocol 2 gets every change, a legacy address the first running one and the end', async () => {
    const run = sampleRun()
    for (const state of ['queued', 'running', 'running', 'partial'] as const)
      await memory.keep([run.at(state)])
    expect(newsOf(2).map(([, state]) => state)).toEqual(['queued', 'running', 'running', 'partial'])
    expect(newsOf(1)).toEqual([
      [run.rid, 'running'],
      [run.rid, 'partial'],
    ])
  })

  test('a run that ended before it began is two posts to a legacy address anyway', async () => {
    const run = sampleRun()
    await memory.keep([run.at('queued')])
    await memory.keep([run.at('cancelled', { reason: 'on request' })])
    expect(newsOf(1)).toEqual([
      [run.rid, 'running'],
      [run.rid, 'cancelled'],
    ])
    expect(newsOf(2).map(([, state]) => state)).toEqual(['queued', 'cancelled'])
    const begin = outbox.batch(`${ADDRESS}/1`, 1)?.records[0]
    expect(begin).toMatchObject({ end: null, reason: '', result: null })
  })

  test('an end that is reported twice is one end for a legacy address', async () => {
    const run = sampleRun()
    await memory.keep([run.at('running')])
    await memory.keep([run.at('success')])
    await memory.keep([run.at('success')])
    expect(newsOf(1)).toHaveLength(2)
  })

  test('each address has its own position, kept across a restart', async () => {
    const run = sampleRun()
    const other = 'http://127.0.0.1:2/notify'
    outbox.add({ address: ADDRESS, protocol: 2 })
    outbox.add({ address: other, protocol: 2 })
    await memory.keep([run.at('queued')])
    await memory.keep([run.at('running')])
    const first = outbox.batch(ADDRESS, 1)
    expect(first?.records.map(({ state }) => state)).toEqual(['queued'])
    outbox.noteAccepted(ADDRESS, first?.upTo ?? 0)
    reopen()
    expect(outbox.addresses().map(({ address }) => address)).toEqual([ADDRESS, other])
    expect(outbox.batch(ADDRESS, 100)?.records.map(({ state }) => state)).toEqual(['running'])
    expect(outbox.batch(other, 100)?.records.map(({ state }) => state)).toEqual(['queued', 'running'])
  })

  test('an address that is added again keeps its position, whatever its protocol is now', async () => {
    outbox.add({ address: ADDRESS, protocol: 1 })
    await memory.keep([sampleRun().at('running')])
    outbox.noteAccepted(ADDRESS, outbox.batch(ADDRESS, 1)?.upTo ?? 0)
    outbox.add({ address: ADDRESS, protocol: 2 })
    expect(outbox.addresses()).toEqual([{ address: ADDRESS, protocol: 2 }])
    expect(outbox.batch(ADDRESS, 100)).toBeUndefined()
  })

  test('the position of an address never goes back, even if an earlier batch is answered late', async () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    await memory.keep([sampleRun().at('running')])
    const early = outbox.batch(ADDRESS, 100)?.upTo ?? 0
    await memory.keep([sampleRun().at('success')])
    for (const upTo of [outbox.batch(ADDRESS, 100)?.upTo ?? 0, early]) outbox.noteAccepted(ADDRESS, upTo)
    expect(outbox.batch(ADDRESS, 100)).toBeUndefined()
  })

  test('an address that is added again has no silence', () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    expect(outbox.noteSilence(ADDRESS)).toBe(false)
    clock.move(MAX_SILENCE_MS)
    outbox.add({ address: ADDRESS, protocol: 2 })
    expect(outbox.noteSilence(ADDRESS)).toBe(false)
  })

  test('a batch has a limited size, and a large record goes alone', async () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    const large = { warnings: [' '.repeat(300_000)] }
    await memory.keep([
      sampleRun().at('partial', large),
      sampleRun().at('partial', large),
      sampleRun().at('partial', { warnings: [' '.repeat(900_000)] }),
    ])
    const sizes: (number | undefined)[] = []
    for (let batch = outbox.batch(ADDRESS, 100); batch; batch = outbox.batch(ADDRESS, 100)) {
      sizes.push(batch.records.length)
      outbox.noteAccepted(ADDRESS, batch.upTo)
    }
    expect(sizes).toEqual([1, 1, 1])
  })

  test('silence counts from the first failed attempt, across restarts, until an answer', () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    expect(outbox.noteSilence(ADDRESS)).toBe(false)
    clock.move(MAX_SILENCE_MS - 1)
    reopen()
    expect(outbox.noteSilence(ADDRESS)).toBe(false)
    outbox.noteAccepted(ADDRESS, 0)
    clock.move(1)
    expect(outbox.noteSilence(ADDRESS)).toBe(false)
    clock.move(MAX_SILENCE_MS)
    expect(outbox.noteSilence(ADDRESS)).toBe(true)
  })
})

describe('pruning', () => {
  function pruneAll(): void {
    while (memory.prune() > 0);
  }

  function counts(): { news: unknown; records: unknown } {
    const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()
    return { news: count('news'), records: count('records') }
  }

  test('old records are deleted when every address has them; running ones stay', async () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    const [old, running] = [sampleRun(), sampleRun()]
    await memory.keep([old.at('running'), old.at('success'), running.at('running')])
    clock.move(31 * DAY)
    pruneAll()
    expect(counts()).toEqual({ news: 3, records: 2 })
    outbox.noteAccepted(ADDRESS, outbox.batch(ADDRESS, 100)?.upTo ?? 0)
    pruneAll()
    expect(counts()).toEqual({ news: 0, records: 1 })
    expect(memory.unfinished().map(({ rid }) => rid)).toEqual([running.rid])
  })

  test('records that are not old stay', async () => {
    outbox.add({ address: ADDRESS, protocol: 2 })
    await memory.keep([sampleRun().at('success')])
    outbox.noteAccepted(ADDRESS, outbox.batch(ADDRESS, 100)?.upTo ?? 0)
    clock.move(29 * DAY)
    pruneAll()
    expect(counts().records).toBe(1)
  })

  test('without an address news is kept, however old', async () => {
    await memory.keep([sampleRun().at('success')])
    clock.move(400 * DAY)
    pruneAll()
    outbox.add({ address: ADDRESS, protocol: 2 })
    expect(outbox.batch(ADDRESS, 100)?.records.map(({ state }) => state)).toEqual(['success'])
  })
})

describe('a damaged file', () => {
  test.each([
    ['that is not a database', () => writeFileSync(file, 'this is not a database\n'.repeat(100))],
    ['with a page overwritten', () => damagePage()],
  ])('%s is set aside with an error, and a new one is begun', async (_what, damage) => {
    memory.saveJobs(jobs(...Array.from({ length: 2000 }, (_, n) => `job-${n}`)), 'v1')
    db.close()
    damage()
    open()
    expect(memory.loadJobs()).toEqual({ jobs: [], version: '' })
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
    expect(log.lines[0]?.message).toContain('was set aside as')
    expect(readdirSync(dir.path).some((name) => name.startsWith('daemon.db.damaged-'))).toBe(true)
    await memory.keep([sampleRun().at('running')])
    reopen()
    expect(memory.unfinished()).toHaveLength(1)
    expect(log.lines).toHaveLength(1)
  })

  function damagePage(): void {
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 4096, 8192)
    writeFileSync(file, bytes)
  }

  test('the database of a newer backupd is refused and not set aside', () => {
    db.pragma('user_version = 99')
    db.close()
    expect(() => open()).toThrow(/made by a newer backupd \(format 99, expected/)
    expect(log.lines).toEqual([])
    db = new Database(file)
    db.pragma('user_version = 1')
  })
})
