import { expect, test } from 'vitest'
import { printUnusualHold } from '../../../src/wire/hold.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { catalogWith, closing, type MakePlace, openEmpty } from './place.ts'

const HOUR = 3_600_000
const T = Date.parse('2026-11-23T05:00:00Z')
const at = (ms: number) => new Date(ms).toISOString()
const HOLD = printUnusualHold({ at: at(T + 2 * HOUR), rid: 'r', because: 'it is tiny' })

/** What a catalog knows for the health of volumes. */
export function healthDemands(makePlace: MakePlace): void {
  test('what health remembers of jobs is kept over restarts, replaced and removed', async () => {
    const place = await makePlace()
    const first = await place.open()
    const job = { jobId: 'a', countedFrom: T, pausedSince: null, inherits: null, standing: { OVERDUE: T } }
    await first.health.save([job, { ...job, jobId: 'b', pausedSince: T + 1, inherits: 'a' }])
    await first.health.save([{ ...job, standing: { OK: T + 2 } }])
    await first.close()
    await using again = closing(await place.open())
    const { health } = again.catalog
    expect(await health.load(['a', 'c'])).toEqual([{ ...job, standing: { OK: T + 2 } }])
    expect(await health.load(['b'])).toMatchObject([{ pausedSince: T + 1, inherits: 'a' }])
    await health.remove(['a', 'c'])
    expect(await health.load(['a', 'b'])).toHaveLength(1)
  })

  test('the newest ended run of each job is told, although another is active', async () => {
    const { records } = await openEmpty(makePlace)
    const run = (n: number, ms: number) =>
      sampleRecord({ rid: ridOf(n), jobId: 'a', start: at(ms), end: at(ms + HOUR) })
    const error = { code: 'DISK_FULL', message: 'm', facts: {} }
    await records.apply([
      { ...run(1, T), state: 'success' },
      { ...run(2, T + HOUR), state: 'failed', reason: 'no room', error },
      { ...run(3, T + 2 * HOUR), state: 'running', end: null },
      { ...run(4, T), jobId: 'b', state: 'success' },
    ])
    const ends = await records.lastEnds(['a', 'b', 'none'])
    expect(ends.get('a')).toMatchObject({
      rid: ridOf(2),
      state: 'failed',
      reason: 'no room',
      code: 'DISK_FULL',
    })
    expect(ends.get('a')?.at).toBe(T + 2 * HOUR)
    expect(ends.get('b')).toMatchObject({ state: 'success', reason: '', code: null, at: T + HOUR })
    expect(ends.size).toBe(2)
  })

  test('the lengths of the newest nine runs that made a backup are told', async () => {
    const { records } = await openEmpty(makePlace)
    const runs = Array.from({ length: 12 }, (_, n) => {
      const start = T + n * HOUR
      return sampleRecord({
        rid: ridOf(n),
        jobId: 'a',
        state: 'success',
        start: at(start),
        end: at(start + n * 60_000),
      })
    })
    const failed = { state: 'failed', start: at(T + 20 * HOUR), end: at(T + 40 * HOUR) } as const
    await records.apply([...runs, sampleRecord({ rid: ridOf(99), jobId: 'a', ...failed })])
    const lengths = (await records.lengths(['a', 'none'])).get('a') ?? []
    expect(lengths.map((ms) => Math.round(ms / 60_000))).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3])
  })

  test('the length of a run that waited in the queue counts from its begin', async () => {
    const { records } = await openEmpty(makePlace)
    const queued = sampleRecord({ jobId: 'a', state: 'queued', start: at(T) })
    await records.apply([queued])
    await records.apply([{ ...queued, seq: 2, state: 'success', start: at(T + HOUR), end: at(T + 2 * HOUR) }])
    expect((await records.lengths(['a'])).get('a')?.map(Math.round)).toEqual([HOUR])
  })

  test('of the backups of a volume, the newest and the last good one are told for each mode', async () => {
    const lastGood = { id: 'g', created: at(T + HOUR) }
    const drill = { at: at(T + 8 * HOUR), rid: 'r', method: 'hash' as const, share: 1, snapshot: 'g' }
    const series = { snapshots: 2, newest: 'n', lastGood, drill }
    const { backups } = await catalogWith(
      makePlace,
      { name: 'a1', sequence: 1, created: at(T), verified: at(T + 7 * HOUR), holds: ['legal', HOLD] },
      { name: 'a2', sequence: 2, created: at(T + HOUR), clockDoubt: { trusted: at(T + 2 * HOUR) } },
      {
        ...{
          name: 'a3',
          sequence: 3,
          created: at(T + 3 * HOUR),
          state: 'partial' as const,
          suspect: 'it is empty',
        },
        // A bad one proves nothing of the good ones.
        verified: at(T + 9 * HOUR),
      },
      {
        name: 's',
        mode: 'increment',
        sequence: 9,
        created: at(T + 5 * HOUR),
        corrupt: 'a pack is missing',
        series,
      },
    )
    const { server, source, app } = sampleBackup()
    const keys = [
      { server, source, app, mode: 'increment' as const },
      { server, source, app, mode: 'full' as const },
      { server, source: '/other', app, mode: 'full' as const },
    ]
    expect(await backups.conditions(keys)).toEqual([
      {
        lastGoodAt: T + HOUR,
        // The drill of one snapshot.
        provenAt: T + 8 * HOUR,
        newest: { at: T + 5 * HOUR, state: 'success', suspect: null, corrupt: 'a pack is missing' },
        unusual: null,
      },
      {
        lastGoodAt: T + 2 * HOUR,
        provenAt: T + 7 * HOUR,
        newest: { at: T + 3 * HOUR, state: 'partial', suspect: 'it is empty', corrupt: null },
        unusual: { at: T + 2 * HOUR, because: 'it is tiny' },
      },
      { lastGoodAt: null, provenAt: null, newest: null, unusual: null },
    ])
    // An app that has the place now is not told what files of the other are damaged.
    const ofOther = await backups.conditions(keys.map((key) => ({ ...key, app: 'newcomer' })))
    const reason = 'it is of another app, which had this place before'
    expect(ofOther.map(({ newest }) => newest && [newest.suspect, newest.corrupt])).toEqual([
      [null, reason],
      [reason, null],
      null,
    ])
  })

  test('periods of schedules are opened and closed once each, and belong to a place', async () => {
    const { health } = await openEmpty(makePlace)
    const place = { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1 }
    const period = { jobId: 'a', spec: '0 5 * * *', zone: null, begin: T, end: null }
    const other = { ...period, jobId: 'b', zone: 'Asia/Tokyo' }
    await health.changePeriods([
      { kind: 'open', place, period },
      { kind: 'close', jobId: 'a', end: T + HOUR },
      { kind: 'open', place, period: { ...period, begin: T + 2 * HOUR } },
      { kind: 'open', place: { ...place, instanceNo: 2 }, period: other },
      { kind: 'close', jobId: 'none', end: T },
    ])
    await health.changePeriods([
      { kind: 'open', place, period },
      { kind: 'close', jobId: 'b', end: T - HOUR },
    ])
    expect(await health.periods(place)).toEqual([
      { ...period, end: T + HOUR },
      { ...period, begin: T + 2 * HOUR },
    ])
    expect(await health.periods({ ...place, instanceNo: 2 })).toEqual([{ ...other, end: T }])
  })

  test('periods that ended long ago are forgotten, open ones never', async () => {
    const { health } = await openEmpty(makePlace)
    const place = { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1 }
    const period = { jobId: 'a', spec: '0 5 * * *', zone: null, begin: T, end: null }
    await health.changePeriods([
      { kind: 'open', place, period },
      { kind: 'open', place, period: { ...period, jobId: 'b' } },
      { kind: 'close', jobId: 'b', end: T + HOUR },
    ])
    expect(await health.forgetPeriods(T + HOUR)).toBe(0)
    expect(await health.forgetPeriods(T + HOUR + 1)).toBe(1)
    expect(await health.periods(place)).toEqual([period])
  })

  test('the runs of a volume are told by their request, and deleted ones by day', async () => {
    const { records } = await openEmpty(makePlace)
    const place = { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1 }
    const run = (n: number, ms: number, more = {}) =>
      sampleRecord({ rid: ridOf(n), jobId: 'a', state: 'success', start: at(ms), end: at(ms + 1), ...more })
    const { args } = sampleRecord()
    await records.apply([
      run(1, T),
      run(2, T + HOUR, { state: 'failed' }),
      run(3, T + 2 * HOUR),
      run(4, T, { args: { ...args, volume: '/logs' } }),
      run(5, T, { action: 'backup_recover' }),
      run(6, T + 3 * HOUR),
    ])
    expect(await records.runsOfVolume(place, T, T + 3 * HOUR)).toEqual([
      { jobId: 'a', at: T, state: 'success' },
      { jobId: 'a', at: T + HOUR, state: 'failed' },
      { jobId: 'a', at: T + 2 * HOUR, state: 'success' },
    ])
    await records.forget({ before: at(T + 90 * 60_000), after: null })
    const counts = await records.forgottenDays(place, '2026-11-23')
    expect(counts.sort((one, other) => one.state.localeCompare(other.state))).toEqual([
      { day: '2026-11-23', state: 'failed', count: 1 },
      { day: '2026-11-23', state: 'success', count: 1 },
    ])
    expect(await records.forgottenDays(place, '2026-11-24')).toEqual([])
  })

  test('the room of a store is kept once a day', async () => {
    const { health } = await openEmpty(makePlace)
    const day = { server: '10.0.0.1', day: '2026-11-23', at: T, usedBytes: 2 ** 52, freeBytes: 5 }
    await health.saveStoreDays([day, { ...day, server: '10.0.0.2', day: '2026-11-22' }])
    await health.saveStoreDays([{ ...day, at: T + HOUR, freeBytes: 4 }])
    expect(await health.loadStoreDays('2026-11-23')).toEqual([{ ...day, at: T + HOUR, freeBytes: 4 }])
  })
}
