import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { RecordFilter } from '../../src/wire/listing.ts'
import { MAX_WARNINGS, type RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { openIn, tempCatalog, tempFolder } from '../support/temp-catalog.ts'

describe('accepting news', () => {
  test('numbers each change, and returns nothing for duplicates', async () => {
    const { records } = await tempCatalog()
    const running = sampleRecord()
    const ended = sampleRecord({ seq: 5, state: 'success', end: '2026-11-23T09:00:00Z' })
    const first = await records.take([running, running])
    expect(first).toEqual([{ record: running, eventSeq: expect.any(Number) }])
    const second = await records.take([ended, running])
    expect(second).toEqual([{ record: ended, eventSeq: (first[0]?.eventSeq ?? 0) + 1 }])
    expect(await records.take([running, ended])).toEqual([])
    expect(await records.get(running.rid)).toEqual(second[0])
  })

  test('keeps the complete record across a restart', async () => {
    const folder = await tempFolder()
    const record = sampleRecord({
      state: 'partial',
      args: { app: 'hello', odd: [1, { deep: null }] },
      error: { code: 'STORE_FULL', message: 'full "', facts: { free: 0 } },
      warnings: Array.from({ length: MAX_WARNINGS }, (_, n) => `file ${n}\\xff vanished`),
      warningCount: 2_000_000,
      result: { file: 'x', size: 2 ** 40, extra: { a: [1] } },
      progress: sampleProgress(9),
    })
    const before = await openIn(folder)
    const kept = await before.records.take([record])
    await before.close()
    await using after = closing(await openIn(folder))
    expect(await after.catalog.records.get(record.rid)).toEqual(kept[0])
    expect(await after.catalog.records.unfinished()).toEqual([])
  })

  test('keeps progress in memory only; after a restart the daemon reports it again', async () => {
    const folder = await tempFolder()
    const before = await openIn(folder)
    await before.records.take([sampleRecord()])
    const progressed = sampleRecord({ seq: 7, progress: sampleProgress(500) })
    expect(await before.records.take([progressed])).toHaveLength(1)
    expect((await before.records.find({}, { first: 1 })).items[0]?.node).toEqual(progressed)
    expect(await before.records.unfinished('10.0.0.1')).toEqual([progressed])
    expect(await before.records.unfinished('10.0.0.2')).toEqual([])
    await before.close()
    await using after = closing(await openIn(folder))
    expect(await after.catalog.records.unfinished()).toEqual([sampleRecord()])
    expect(await after.catalog.records.take([progressed])).toHaveLength(1)
  })

  test('ignores a backup of another server in a record', async () => {
    const { records, backups } = await tempCatalog()
    const foreign = sampleBackup({ server: '10.0.0.2' })
    const forged = sampleRecord({ state: 'success', result: { backup: foreign } })
    expect(await records.take([forged, sampleRecord({ rid: ridOf(2) })])).toMatchObject([
      { record: { rid: ridOf(2) } },
    ])
    expect(await records.get(forged.rid)).toBeUndefined()
    expect(await backups.get('10.0.0.2', foreign.name)).toBeUndefined()
  })

  test('changes nothing if the batch cannot be stored', async () => {
    const { records } = await tempCatalog()
    const broken = sampleRecord({
      rid: ridOf(2),
      result: { backup: sampleBackup({ hasIndex: 'no' as never }) },
    })
    await expect(records.take([sampleRecord(), { ...broken, state: 'success' }])).rejects.toThrow()
    expect(await records.get(ridOf(1))).toBeUndefined()
    expect(await records.unfinished()).toEqual([])
    expect(await records.take([sampleRecord()])).toHaveLength(1)
  })

  test('accepts sizes beyond the range of a number and leaves them out of lists', async () => {
    const { records, backups } = await tempCatalog()
    const backup = sampleBackup({ size: 1e300, sequence: 2 ** 60, instanceNo: 2 ** 40 })
    await records.take([sampleRecord({ state: 'success', result: { backup } })])
    expect(await backups.get(backup.server, backup.name)).toMatchObject({
      size: Number.MAX_SAFE_INTEGER,
      instanceNo: 0,
      corrupt: expect.stringContaining('instanceNo'),
    })
  })
})

/** The lives of some runs that touch each other's backups; `lane` keeps one delivery apart from the next. */
function livesOf(lane: number): RunRecord[] {
  const server = `10.1.${lane >> 8}.${lane & 255}`
  const rid = (n: number) => ridOf(lane * 16 + n)
  const minute = (n: number) => `2026-11-23T09:0${n}:00Z`
  const x = sampleBackup({ server, name: 'x.tar.gz', rid: rid(0) })
  const y = sampleBackup({ server, name: 'y.tar.gz', rid: rid(1), sequence: 2 })
  const run = (n: number, changes: Partial<RunRecord>) =>
    sampleRecord({ rid: rid(n), server, jobId: '', ...changes })
  return [
    run(0, { seq: 1, state: 'queued' }),
    run(0, { seq: 2 }),
    run(0, { seq: 3, progress: sampleProgress(10) }),
    run(0, { seq: 4, state: 'success', end: minute(1), result: { backup: x } }),
    run(1, { seq: 1, state: 'queued' }),
    run(1, { seq: 2 }),
    run(1, { seq: 2, state: 'lost', end: minute(1) }),
    run(1, { seq: 3, progress: sampleProgress(20) }),
    run(1, { seq: 4, state: 'partial', end: minute(2), result: { backup: y } }),
    run(2, {
      seq: 2,
      action: 'backup_expire',
      state: 'success',
      end: minute(3),
      result: { deleted: ['x.tar.gz'] },
    }),
    run(3, { seq: 1, action: 'verify' }),
    run(3, {
      seq: 2,
      action: 'verify',
      state: 'success',
      end: minute(4),
      result: { backup: { ...y, verified: minute(4) } },
    }),
    run(4, { seq: 1 }),
    run(4, { seq: 1, state: 'lost', end: minute(5) }),
    run(5, { seq: 1 }),
    run(5, { seq: 2, progress: sampleProgress(30) }),
  ]
}

async function outcome({ records, backups }: Catalog, lane: number) {
  const server = livesOf(lane)[0]?.server ?? ''
  const { items, totalCount } = await records.find({ server }, { first: 20 })
  const running = await records.unfinished(server)
  const stored = await backups.find({ server }, { first: 20 })
  const plain = {
    items: items.map(({ node }) => node),
    totalCount,
    running,
    stored: stored.items.map(({ node }) => node),
  }
  const ids = new RegExp(
    `${server}|${Array.from({ length: 6 }, (_, n) => ridOf(lane * 16 + n)).join('|')}`,
    'g',
  )
  return JSON.parse(
    JSON.stringify(plain).replace(ids, (id) => (id === server ? 'server' : `rid ${id.slice(-1)}`)),
  )
}

test('gives the same result in any order, in any batches, twice or late', async () => {
  const catalog = await tempCatalog()
  let lane = 0
  const deliver = async (order: number[], batch: number) => {
    lane += 1
    const lives = livesOf(lane)
    const told = order.flatMap((at) => lives[at] ?? [])
    for (let at = 0; at < told.length; at += batch) await catalog.records.take(told.slice(at, at + batch))
    return outcome(catalog, lane)
  }
  const everyNews = livesOf(0).map((_, at) => at)
  const expected = await deliver(everyNews, 1)
  expect(expected.stored).toMatchObject([{ name: 'y.tar.gz', verified: '2026-11-23T09:04:00Z' }])
  expect(expected.items.map(({ state }: RunRecord) => state).sort()).toEqual([
    'lost',
    'partial',
    'running',
    'success',
    'success',
    'success',
  ])
  const shuffled = fc
    .array(fc.nat({ max: everyNews.length - 1 }), { maxLength: 12 })
    .chain((twice) =>
      fc.shuffledSubarray([...everyNews, ...twice], { minLength: everyNews.length + twice.length }),
    )
  await fc.assert(
    fc.asyncProperty(shuffled, fc.integer({ min: 1, max: 9 }), async (order, batch) => {
      expect(await deliver(order, batch)).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

describe('lists', () => {
  const runs = [
    {
      start: '2026-01-01T00:00:00Z',
      args: { app: 'a', proc: 'a.web.web', volume: '/v', instanceNo: 1, mode: 'full' },
    },
    {
      start: '2026-01-02T00:00:00.5Z',
      jobId: 'j',
      args: { app: 'a', proc: 'a.web.web', volume: '/w', instanceNo: 2, mode: 'increment' },
    },
    {
      start: '2026-01-02T00:00:00Z',
      jobId: 'j',
      server: '10.0.0.2',
      args: { app: 'b', proc: 'b.web.web', volume: '/v', instanceNo: '1' },
    },
    {
      start: '2026-01-02T08:00:00+08:00',
      action: 'backup_recover',
      args: { app: 'a', proc: 'web', backup: 'x' },
    },
    { start: '2026-01-04T00:00:00Z', action: 'backup_expire', args: { info: [] }, state: 'failed' },
    { start: 'not a time', args: {} },
  ] as const satisfies Partial<RunRecord>[]

  const filled = async () => {
    const catalog = await tempCatalog()
    await catalog.records.take(
      runs.map((run, n) => sampleRecord({ rid: ridOf(n), ...run } as Partial<RunRecord>)),
    )
    return catalog.records
  }

  test.each<[string, RecordFilter, number[]]>([
    ['nothing', {}, [4, 1, 3, 2, 0, 5]],
    ['app', { app: 'a' }, [1, 3, 0]],
    ['proc, by its full name', { app: 'a', proc: 'a.web.web' }, [1, 3, 0]],
    ['volumes', { volumes: ['/v', '/nope'] }, [2, 0]],
    ['no volume at all', { volumes: [] }, []],
    ['instance', { instanceNo: 1 }, [2, 0]],
    ['mode', { mode: 'increment' }, [1]],
    ['action', { action: 'backup_recover' }, [3]],
    ['server', { server: '10.0.0.2' }, [2]],
    ['job', { jobId: 'j' }, [1, 2]],
    ['states', { states: ['failed', 'lost'] }, [4]],
    ['the app of the system', { app: 'backupctl' }, [4]],
    ['from, which is included', { from: '2026-01-02T00:00:00Z' }, [4, 1, 3, 2]],
    ['to, which is not', { to: '2026-01-02T00:00:00Z' }, [0, 5]],
    ['a span in another zone', { from: '2026-01-02T01:00:00+01:00', to: '2026-01-02T00:00:00.400Z' }, [3, 2]],
    ['two filters', { app: 'a', states: ['running'], volumes: ['/w'] }, [1]],
  ])('by %s, newest first', async (_, filter, expected) => {
    const { items, totalCount, hasNextPage } = await (await filled()).find(filter, { first: 10 })
    expect(items.map(({ node }) => Number.parseInt(node.rid.slice(-2), 16))).toEqual(expected)
    expect({ totalCount, hasNextPage }).toEqual({ totalCount: expected.length, hasNextPage: false })
  })

  test('have pages without gaps, whatever is added meanwhile', async () => {
    const records = await filled()
    const seen: string[] = []
    let after: string | undefined
    for (let more = true; more; ) {
      const page = await records.find({}, { first: 2, after })
      seen.push(...page.items.map(({ node }) => node.rid))
      after = page.items.at(-1)?.cursor
      more = page.hasNextPage
      await records.take([sampleRecord({ rid: ridOf(100 + seen.length), start: '2026-02-01T00:00:00Z' })])
    }
    expect(seen).toEqual([4, 1, 3, 2, 0, 5].map(ridOf))
  })

  test('refuse an invalid cursor or time', async () => {
    const { records, backups } = await tempCatalog()
    const { items } = await (await filled()).find({}, { first: 1 })
    await expect(records.find({}, { first: 1, after: 'x' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(backups.find({}, { first: 1, after: items[0]?.cursor })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    await expect(records.find({ from: 'soon' }, { first: 1 })).rejects.toThrow('from: "soon" is not a time')
  })

  test('give the last record of each job', async () => {
    const records = await filled()
    const last = await records.lastOfJobs(['j', 'never ran', '0a000001aaaa'])
    expect([...last].map(([job, { rid }]) => [job, rid])).toEqual([
      ['j', ridOf(1)],
      ['0a000001aaaa', ridOf(4)],
    ])
  })
})

describe('events', () => {
  test('give changes of state after a number, with the record at that time', async () => {
    const { records } = await tempCatalog()
    const other = sampleRecord({ rid: ridOf(2), args: { app: 'other' } })
    const queued = sampleRecord({ seq: 1, state: 'queued' })
    const running = sampleRecord({ seq: 2 })
    const ended = sampleRecord({ seq: 9, state: 'failed' })
    const told = await records.take([queued, running, other, sampleRecord({ seq: 3 }), ended])
    const changes = told.filter(({ record }) => record.seq !== 3)
    const start = (told[0]?.eventSeq ?? 0) - 1
    expect(await records.eventsSince(start, {}, 10)).toEqual(changes)
    expect(await records.eventsSince(start, { rid: queued.rid }, 2)).toEqual(changes.slice(0, 2))
    expect(await records.eventsSince(start, { app: 'other' }, 10)).toEqual([changes[2]])
    expect(await records.eventsSince(changes.at(-1)?.eventSeq ?? 0, {}, 10)).toEqual([])
  })

  test('are kept across restarts and pruning, and the catalog says which', async () => {
    const clock = { ...systemClock, ms: Date.parse('2026-01-01T00:00:00Z'), now: () => clock.ms }
    const folder = await tempFolder()
    const catalog = await openIn(folder, clock)
    const { records } = catalog
    expect(await records.keptEvents()).toEqual({ after: 0, upTo: 0 })
    await records.take([sampleRecord()])
    clock.ms += 8 * 86_400_000
    const many = Array.from({ length: 1100 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) }))
    const newer = await records.take(many)
    await records.take([sampleRecord({ rid: ridOf(9000) })])
    const first = newer[0]?.eventSeq ?? 0
    await expect.poll(records.keptEvents).toEqual({ after: first - 1, upTo: first + 1100 })
    await catalog.close()
    await using after = closing(await openIn(folder, clock))
    expect(await after.catalog.records.keptEvents()).toMatchObject({ after: first - 1 })
  })

  test('of a catalog without this mark begin with the oldest event', async () => {
    const folder = await tempFolder()
    const before = await openIn(folder)
    const kept = await before.records.take([sampleRecord({ state: 'queued' }), sampleRecord({ seq: 2 })])
    await before.close()
    const database = new Database(join(folder, 'catalog.db'))
    database.exec("DELETE FROM Meta WHERE key = 'events pruned up to'; DELETE FROM RecordEvent WHERE seq = 1")
    database.close()
    await using after = closing(await openIn(folder))
    expect(await after.catalog.records.keptEvents()).toMatchObject({ after: (kept[1]?.eventSeq ?? 0) - 1 })
  })

  test('have numbers that continue after restarts and are never used twice', async () => {
    const folder = await tempFolder()
    let last = 0
    for (let start = 0; start < 3; start++) {
      await using opened = closing(await openIn(folder))
      const { records } = opened.catalog
      const given = Array.from({ length: 12_000 }, () => records.nextEventSeq())
      expect(given[0]).toBe(last + 1)
      expect(new Set(given).size).toBe(given.length)
      last = given.at(-1) ?? 0
    }
  })

  test('are pruned when they are old, and the record stays', async () => {
    const clock = { ...systemClock, ms: Date.parse('2026-01-01T00:00:00Z'), now: () => clock.ms }
    const catalog = await tempCatalog(clock)
    const kept = await catalog.records.take([sampleRecord()])
    clock.ms += 8 * 86_400_000
    const many = Array.from({ length: 1100 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) }))
    const newer = await catalog.records.take(many)
    await catalog.records.take([sampleRecord({ rid: ridOf(9000) })])
    await catalog.servers.save({ ip: '10.0.0.1', daemonId: null, lastSeen: null, leaving: false })
    await expect
      .poll(async () => (await catalog.records.eventsSince(0, {}, 1))[0]?.eventSeq)
      .toBe(newer[0]?.eventSeq)
    expect(await catalog.records.get(ridOf(1))).toEqual(kept[0])
  })
})

function closing(catalog: Catalog) {
  return { catalog, [Symbol.asyncDispose]: () => catalog.close() }
}
