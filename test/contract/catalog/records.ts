import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { MAX_WARNINGS, type RunRecord } from '../../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../../support/catalog-samples.ts'
import { closing, type MakePlace, openEmpty } from './place.ts'

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
    // Alone: `lost` and the daemon's own word of the same seq replace each other, so their order counts.
    run(4, { seq: 1, state: 'lost', end: minute(5) }),
    run(5, { seq: 1 }),
    run(5, { seq: 2, progress: sampleProgress(30) }),
  ]
}

async function outcome({ records, backups }: Catalog, lane: number) {
  const server = livesOf(lane)[0]?.server ?? ''
  const { items } = await records.find({ server }, { first: 20 })
  const { count: totalCount } = await records.count({ server })
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

async function* pagesOf(backups: BackupInfo[]) {
  yield backups
}

/** How a catalog takes the news of runs. */
export function recordDemands(makePlace: MakePlace): void {
  describe('accepting news', () => {
    test('numbers each change, and returns nothing for duplicates', async () => {
      const { records } = await openEmpty(makePlace)
      const running = sampleRecord()
      const ended = sampleRecord({ seq: 5, state: 'success', end: '2026-11-23T09:00:00Z' })
      const first = await records.apply([running, running])
      expect(first).toEqual([{ record: running, eventSeq: expect.any(Number) }])
      const second = await records.apply([ended, running])
      expect(second).toEqual([{ record: ended, eventSeq: (first[0]?.eventSeq ?? 0) + 1 }])
      expect(await records.apply([running, ended])).toEqual([])
      expect(await records.get(running.rid)).toEqual(second[0])
    })

    test('keeps the complete record across a restart', async () => {
      const place = await makePlace()
      const record = sampleRecord({
        state: 'partial',
        args: { app: 'hello', odd: [1, { deep: null }] },
        error: { code: 'STORE_FULL', message: 'full "', facts: { free: 0 } },
        warnings: Array.from({ length: MAX_WARNINGS }, (_, n) => `file ${n}\\xff vanished`),
        warningCount: 2_000_000,
        result: { file: 'x', size: 2 ** 40, extra: { a: [1] } },
        progress: sampleProgress(9),
      })
      const before = await place.open()
      const kept = await before.records.apply([record])
      await before.close()
      await using after = closing(await place.open())
      expect(await after.catalog.records.get(record.rid)).toEqual(kept[0])
      expect(await after.catalog.records.unfinished()).toEqual([])
    })

    test('keeps progress in memory only; after a restart the daemon reports it again', async () => {
      const place = await makePlace()
      const before = await place.open()
      await before.records.apply([sampleRecord()])
      const progressed = sampleRecord({ seq: 7, progress: sampleProgress(500) })
      expect(await before.records.apply([progressed])).toHaveLength(1)
      expect((await before.records.find({}, { first: 1 })).items[0]?.node).toEqual(progressed)
      expect(await before.records.unfinished('10.0.0.1')).toEqual([progressed])
      expect(await before.records.unfinished('10.0.0.2')).toEqual([])
      await before.close()
      await using after = closing(await place.open())
      expect(await after.catalog.records.unfinished()).toEqual([sampleRecord()])
      expect(await after.catalog.records.apply([progressed])).toHaveLength(1)
    })

    test('reads the unfinished records in pages, in the order of their last changes, without later ones', async () => {
      const place = await makePlace()
      const before = await place.open()
      const live = Array.from({ length: 6 }, (_, n) => sampleRecord({ rid: ridOf(n) }))
      await before.records.apply(live)
      const progressed = sampleRecord({ rid: ridOf(1), seq: 7, progress: sampleProgress(500) })
      const kept = await before.records.apply([progressed])
      const pages = before.records.unfinishedPages(2, kept[0]?.eventSeq ?? 0)[Symbol.asyncIterator]()
      expect((await pages.next()).value).toMatchObject([{ record: live[0] }, { record: live[2] }])
      const ended = sampleRecord({ rid: ridOf(3), seq: 8, state: 'success', end: '2026-11-23T09:00:00Z' })
      const later = sampleRecord({ rid: ridOf(4), seq: 8, progress: sampleProgress(600) })
      await before.records.apply([ended, later, sampleRecord({ rid: ridOf(9) })])
      expect((await pages.next()).value).toMatchObject([{ record: live[5] }, ...kept])
      expect((await pages.next()).done).toBe(true)
      await before.close()

      await using after = closing(await place.open())
      const all = Number.POSITIVE_INFINITY
      const { value } = await after.catalog.records.unfinishedPages(9, all)[Symbol.asyncIterator]().next()
      const numbers = (value as { eventSeq: number }[]).map(({ eventSeq }) => eventSeq)
      expect(numbers).toHaveLength(6)
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
    })

    test('ignores a backup of another server in a record', async () => {
      const { records, backups } = await openEmpty(makePlace)
      const foreign = sampleBackup({ server: '10.0.0.2' })
      const forged = sampleRecord({ state: 'success', result: { backup: foreign } })
      expect(await records.apply([forged, sampleRecord({ rid: ridOf(2) })])).toMatchObject([
        { record: { rid: ridOf(2) } },
      ])
      expect(await records.get(forged.rid)).toBeUndefined()
      expect(await backups.get('10.0.0.2', foreign.name)).toBeUndefined()
    })

    test('changes nothing if the batch cannot be stored', async () => {
      const { records } = await openEmpty(makePlace)
      const broken = sampleRecord({
        rid: ridOf(2),
        result: { backup: sampleBackup({ hasIndex: 'no' as never }) },
      })
      await expect(records.apply([sampleRecord(), { ...broken, state: 'success' }])).rejects.toThrow()
      expect(await records.get(ridOf(1))).toBeUndefined()
      expect(await records.unfinished()).toEqual([])
      expect(await records.apply([sampleRecord()])).toHaveLength(1)
    })

    test('accepts sizes beyond the range of a number and leaves them out of lists', async () => {
      const { records, backups } = await openEmpty(makePlace)
      const backup = sampleBackup({ size: 1e300, sequence: 2 ** 60, instanceNo: 2 ** 40 })
      await records.apply([sampleRecord({ state: 'success', result: { backup } })])
      expect(await backups.get(backup.server, backup.name)).toMatchObject({
        size: Number.MAX_SAFE_INTEGER,
        instanceNo: 0,
        corrupt: expect.stringContaining('instanceNo'),
      })
    })
  })

  test('gives the same result in any order, in any batches, twice or late', async () => {
    const catalog = await openEmpty(makePlace)
    let lane = 0
    const deliver = async (order: number[], batch: number) => {
      lane += 1
      const lives = livesOf(lane)
      const told = order.flatMap((at) => lives[at] ?? [])
      for (let at = 0; at < told.length; at += batch) await catalog.records.apply(told.slice(at, at + batch))
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

  test('every kind of write invalidates the cache', async () => {
    const { records, backups } = await openEmpty(makePlace)
    const names = async () =>
      (await backups.find({ app: 'hello' }, { first: 10 })).items.map(({ node }) => node.name)
    const states = async () =>
      (await records.find({ app: 'hello' }, { first: 10 })).items.map(
        ({ node }) => node.progress?.bytesDone ?? node.state,
      )
    const [one, two] = [
      sampleBackup({ name: 'one', sequence: 1 }),
      sampleBackup({ name: 'two', sequence: 2, created: '2026-11-24T09:00:00Z' }),
    ]
    expect(await records.get(ridOf(1))).toBeUndefined()
    const told: unknown[] = [await names(), await states()]
    await records.apply([sampleRecord({ seq: 1 })])
    told.push(await states())
    await records.apply([sampleRecord({ seq: 2, progress: sampleProgress(5) })])
    told.push(await states())
    await records.apply([
      sampleRecord({ seq: 3, state: 'success', end: '2026-11-23T09:00:00Z', result: { backup: one } }),
    ])
    told.push(await states(), await names())
    await backups.reconcile(one.server, pagesOf([one, two]), false)
    told.push(await names())
    await backups.remove(one.server, ['one'])
    told.push(await names())
    await backups.reconcile(one.server, pagesOf([]), false)
    told.push(await names())
    expect((await records.get(ridOf(1)))?.record.state).toBe('success')
    expect(told).toEqual([[], [], ['running'], [5], ['success'], ['one'], ['two', 'one'], ['two'], []])
  })

  test('getMany() returns the known records only, unfinished ones with their progress', async () => {
    const { records } = await openEmpty(makePlace)
    const running = sampleRecord({ rid: ridOf(1), jobId: '' })
    const ended = sampleRecord({ rid: ridOf(2), jobId: '', state: 'success', end: running.start })
    await records.apply([running, ended])
    await records.apply([{ ...running, seq: 7, progress: sampleProgress(5) }])
    const many = await records.getMany([ridOf(1), ridOf(2), ridOf(3)])
    expect([...many.keys()].sort()).toEqual([ridOf(1), ridOf(2)])
    expect(many.get(ridOf(1))?.record).toMatchObject({ seq: 7, progress: { bytesDone: 5 } })
    expect(many.get(ridOf(2))?.record).toEqual(ended)
  })

  test('serversOf() returns the server of each known run only', async () => {
    const { records } = await openEmpty(makePlace)
    const other = sampleRecord({ rid: ridOf(2), server: '10.0.0.2', jobId: '' })
    await records.apply([sampleRecord(), other])
    expect(await records.serversOf([ridOf(1), ridOf(2), ridOf(3)])).toEqual(
      new Map([
        [ridOf(1), '10.0.0.1'],
        [ridOf(2), '10.0.0.2'],
      ]),
    )
  })
}
