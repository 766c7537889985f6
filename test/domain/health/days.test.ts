import { expect, test } from 'vitest'
import { countDays, type DayFacts, listDays } from '../../../src/domain/health/days.ts'
import type { SchedulePeriod, VolumeRun } from '../../../src/domain/health-ports.ts'
import { doAtOnce } from '../../../src/lib/in-slices.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-24T12:30:00Z')
const at = (time: string) => Date.parse(time)

function period(changes: Partial<SchedulePeriod> = {}): SchedulePeriod {
  return { jobId: 'a', spec: '0 5 * * *', zone: 'UTC', begin: 0, end: null, ...changes }
}

function run(time: string, state: VolumeRun['state'] = 'success', jobId = 'a'): VolumeRun {
  return { jobId, at: at(time), state }
}

function count(changes: Partial<DayFacts>) {
  const days = listDays(3, 'UTC', NOW)
  const facts = { days, runs: [], forgotten: [], periods: [period()], zone: null, now: NOW, graceMs: 600_000 }
  return doAtOnce(countDays({ ...facts, ...changes }))
}

test('each day counts its runs by their ends, and the planned times at which nothing ran', () => {
  const runs = [
    run('2026-11-22T05:00:00Z'),
    run('2026-11-22T09:00:00Z', 'partial'),
    run('2026-11-24T05:00:00.2Z', 'failed'),
    run('2026-11-24T06:00:00Z', 'lost'),
    run('2026-11-24T12:00:00Z', 'running'),
  ]
  expect(count({ runs })).toEqual([
    { date: '2026-11-22', good: 1, partial: 1, failed: 0, missed: 0, expected: 1 },
    { date: '2026-11-23', good: 0, partial: 0, failed: 0, missed: 1, expected: 1 },
    { date: '2026-11-24', good: 0, partial: 0, failed: 2, missed: 0, expected: 1 },
  ])
})

test('times to come are not expected, and those within the grace not missed', () => {
  const [, , today] = count({ periods: [period({ spec: '25 12,13 * * *' })] })
  expect(today).toMatchObject({ expected: 1, missed: 0 })
})

test('a run by hand between two planned times stands for the earlier one only', () => {
  const hourly = [period({ spec: '0 * * * *', begin: at('2026-11-24T08:30:00Z') })]
  const [, , today] = count({
    periods: hourly,
    runs: [run('2026-11-24T09:40:00Z'), run('2026-11-24T09:50:00Z')],
  })
  expect(today).toMatchObject({ expected: 4, missed: 3 })
})

test('planned times are those of the schedule that was in force then, and none while it was paused', () => {
  const edited = at('2026-11-23T12:00:00Z')
  const periods = [
    period({ end: at('2026-11-22T04:00:00Z') }),
    period({ begin: at('2026-11-22T06:00:00Z'), end: edited }),
    period({ jobId: 'b', spec: '0 */6 * * *', begin: edited }),
  ]
  const runs = [run('2026-11-23T18:00:00Z', 'success', 'b'), run('2026-11-23T05:00:00Z')]
  expect(count({ periods, runs }).map(({ expected, missed }) => [expected, missed])).toEqual([
    [0, 0],
    [2, 0],
    [3, 3],
  ])
})

test('days begin in their zone, also when the clocks change', () => {
  const days = listDays(2, 'Europe/Berlin', at('2026-10-25T23:30:00Z'))
  expect(days.map(({ date, begin, end }) => [date, (end - begin) / HOUR])).toEqual([
    ['2026-10-25', 25],
    ['2026-10-26', 24],
  ])
})

test('of records that are no longer kept, the counts by day remain', () => {
  const forgotten = [
    { day: '2026-11-22', state: 'success', count: 5 },
    { day: '2026-11-22', state: 'cancelled', count: 1 },
  ]
  const [day] = count({ periods: [period({ spec: '0 */3 * * *' })], forgotten })
  expect(day).toEqual({ date: '2026-11-22', good: 5, partial: 0, failed: 1, missed: 2, expected: 8 })
})

test('a schedule with too many times is not counted, but its runs are', () => {
  const days = count({ periods: [period({ spec: '@every 1s' })], runs: [run('2026-11-24T05:00:00Z')] })
  expect(days.at(-1)).toMatchObject({ good: 1, missed: null, expected: null })
})

test('a spec that is not a schedule has no planned times', () => {
  expect(count({ periods: [period({ spec: 'soon' })] }).at(-1)).toMatchObject({ expected: 0, missed: 0 })
})
