import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { JobTable } from '../../src/engine/job-table.ts'
import { NEVER, systemClock } from '../../src/lib/clock.ts'
import type { Job } from '../../src/wire/job.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { silentLog } from '../support/silent-log.ts'

const NOON = Date.UTC(2026, 10, 23, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function jobOf(id: string, spec: string, change: Partial<Job> = {}): Job {
  return {
    id,
    spec: spec.startsWith('@every') ? spec : `TZ=UTC ${spec}`,
    action: 'test',
    args: {},
    type: 'cron',
    sleep: false,
    ...change,
  }
}

/** A started table on a clock that the test moves; `fired` fills with `id @ named time`. */
function openTable(memory = new MemoryWithoutDisk(), now = NOON) {
  vi.useFakeTimers({ now })
  onTestFinished(() => void vi.useRealTimers())
  const fired: string[] = []
  const table = new JobTable({
    clock: systemClock,
    agingClock: systemClock,
    log: silentLog,
    memory,
    isAction: (action) => action === 'test' || action === 'backup',
    onDue: (job, dueAt) => void fired.push(`${job.id} @ ${new Date(dueAt).toISOString().slice(5, 19)}`),
  })
  onTestFinished(() => table.stop())
  table.start()
  return { table, memory, fired }
}

describe('a version of the list', () => {
  const changed = (table: JobTable, version: string) => table.listSince(version)?.map(({ job }) => job.id)

  test('changes with a run, a sleep mark and the next time, and names the jobs', () => {
    const { table } = openTable()
    table.set([jobOf('a', '*/20 * * * *'), jobOf('b', '@hourly'), jobOf('c', '@every 30m')], 'v1')
    const first = table.listVersion
    expect(changed(table, first)).toEqual([])
    vi.advanceTimersByTime(20 * MINUTE)
    const second = table.listVersion
    expect(second).not.toBe(first)
    expect(table.listSince(first)).toEqual([table.get('a')])
    expect(table.get('a')).toMatchObject({
      prev: '2026-11-23T12:20:00.000Z',
      next: '2026-11-23T12:40:00.000Z',
    })
    table.setAsleep('b', true)
    expect(changed(table, second)).toEqual(['b'])
    expect(changed(table, first)).toEqual(['a', 'b'])
    vi.advanceTimersByTime(MINUTE)
    expect(changed(table, table.listVersion)).toEqual([])
  })

  test('changes if the clock is set back and the next times with it', () => {
    const { table } = openTable()
    table.set([jobOf('a', '0 5 * * *'), jobOf('c', '@every 30m')], 'v1')
    for (const back of [HOUR / 2, 365 * DAY]) {
      const { listVersion } = table
      const before = new Map(table.list().map(({ job, next }) => [job.id, next]))
      vi.setSystemTime(Date.now() - back)
      vi.advanceTimersByTime(2000)
      const moved = table.list().filter(({ job, next }) => before.get(job.id) !== next)
      expect(moved.length).toBeGreaterThan(0)
      expect(changed(table, listVersion)).toEqual(expect.arrayContaining(moved.map(({ job }) => job.id)))
    }
  })

  test('of another list, another start, or no list at all says that the whole list has to be read', () => {
    const { table, memory } = openTable()
    table.set([jobOf('a', '@hourly')], 'v1')
    const before = table.listVersion
    table.set([jobOf('a', '@hourly')], 'v1')
    expect(table.listVersion).toBe(before)
    table.set([jobOf('a', '@hourly'), jobOf('b', '@hourly')], 'v2')
    expect(table.version).toBe('v2')
    table.stop()
    const stopped = table.listVersion
    table.start()
    for (const version of [before, stopped, '', 'x', `${before}9`, openTable(memory).table.listVersion])
      expect([version, table.listSince(version)]).toEqual([version, undefined])
  })
})

describe('a list of jobs', () => {
  test('runs each job at its times', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '*/20 * * * *'), jobOf('b', '@hourly'), jobOf('c', '@every 30m')], 'v1')
    expect(table.list().map(({ job, prev, next }) => [job.id, prev, next])).toEqual([
      ['a', NEVER, '2026-11-23T12:20:00.000Z'],
      ['c', NEVER, '2026-11-23T12:30:00.000Z'],
      ['b', NEVER, '2026-11-23T13:00:00.000Z'],
    ])
    vi.advanceTimersByTime(HOUR)
    expect(fired.sort()).toEqual([
      'a @ 11-23T12:20:00',
      'a @ 11-23T12:40:00',
      'a @ 11-23T13:00:00',
      'b @ 11-23T13:00:00',
      'c @ 11-23T12:30:00',
      'c @ 11-23T13:00:00',
    ])
    expect(table.get('b')).toMatchObject({
      prev: '2026-11-23T13:00:00.000Z',
      next: '2026-11-23T14:00:00.000Z',
    })
  })

  test('jobs that cannot run are dropped with their reason, the others run', () => {
    const { table } = openTable()
    const jobs = [
      jobOf('good', '0 3 * * *'),
      jobOf('x', 'bad spec'),
      jobOf('y', '* * * * *', { action: 'nope' }),
      jobOf('good', '0 4 * * *'),
      jobOf('z', '*/0 * * * *'),
    ]
    expect(table.set(jobs, 'v1')).toEqual({
      accepted: 1,
      dropped: [
        {
          id: 'x',
          reason:
            '"TZ=UTC bad spec" is not a schedule: it has 2 fields, expected minute, hour, day of month, month, day of week (and optionally second before them)',
        },
        { id: 'y', reason: 'the action "nope" does not exist' },
        { id: 'good', reason: 'another job of this list has the id "good"' },
        {
          id: 'z',
          reason: '"TZ=UTC */0 * * * *" is not a schedule: minute: the step is 0, expected at least 1',
        },
      ],
    })
    expect(table.list().map(({ job }) => job.spec)).toEqual(['TZ=UTC 0 3 * * *'])
  })

  test('the same list again, also as another version, changes nothing', () => {
    const { table, memory, fired } = openTable()
    const jobs = [jobOf('a', '@hourly'), jobOf('', '* * * * *', { args: { info: [] } })]
    table.set(jobs, 'v1')
    vi.advanceTimersByTime(90 * MINUTE)
    const before = table.list()
    fired.length = 0
    expect(table.set(structuredClone(jobs), 'v1')).toEqual({ accepted: 2, dropped: [] })
    expect(memory.saves).toBe(1)
    table.set(structuredClone(jobs), 'v2')
    expect(table.list()).toEqual(before)
    vi.advanceTimersByTime(31 * MINUTE)
    expect(fired.filter((line) => line.startsWith('a'))).toEqual(['a @ 11-23T14:00:00'])
    expect(fired).toHaveLength(32)
  })

  test('the same version changes nothing, whatever the list is; a list without version always counts', () => {
    const { table } = openTable()
    table.set([jobOf('a', '@hourly')], 'v1')
    table.set([jobOf('b', '@hourly')], 'v1')
    expect(table.list().map(({ job }) => job.id)).toEqual(['a'])
    table.set([jobOf('b', '@hourly')], '')
    table.set([jobOf('c', '@hourly')], '')
    expect(table.list().map(({ job }) => job.id)).toEqual(['c'])
  })

  test('a removed job runs no more, one with changed args keeps its times', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '@hourly'), jobOf('b', '@hourly')], 'v1')
    vi.advanceTimersByTime(HOUR)
    table.set([jobOf('b', '@hourly', { args: { steps: 2 } })], 'v2')
    expect(table.get('b')).toMatchObject({ prev: '2026-11-23T13:00:00.000Z', job: { args: { steps: 2 } } })
    fired.length = 0
    vi.advanceTimersByTime(HOUR)
    expect(fired).toEqual(['b @ 11-23T14:00:00'])
    table.set([], 'v3')
    vi.advanceTimersByTime(DAY)
    expect(fired).toHaveLength(1)
  })

  test('a job with a new schedule runs at its times, also after a clock that was set back', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '0 13 * * *'), jobOf('b', '0 13 * * *')], 'v1')
    vi.advanceTimersByTime(HOUR)
    expect(fired).toEqual(['a @ 11-23T13:00:00', 'b @ 11-23T13:00:00'])
    fired.length = 0
    vi.setSystemTime(NOON + HOUR / 2)
    table.set([jobOf('a', '45 12 * * *'), jobOf('b', '45 * * * *')], 'v2')
    vi.advanceTimersByTime(HOUR / 2)
    expect(fired.sort()).toEqual(['a @ 11-23T12:45:00', 'b @ 11-23T12:45:00'])
  })

  test('after a stop it keeps its jobs and runs none', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '@hourly')], 'v1')
    table.stop()
    vi.advanceTimersByTime(DAY)
    expect(table).toMatchObject({ status: 'stopped' })
    expect(table.get('a')?.next).toBe(NEVER)
    table.start()
    table.start()
    vi.advanceTimersByTime(HOUR)
    expect(fired).toEqual(['a @ 11-24T13:00:00'])
  })
})

describe('sleep', () => {
  test('a sleeping job stays asleep after an update and a restart, and wakes on request', () => {
    const { table, memory, fired } = openTable()
    table.set([jobOf('a', '@hourly'), jobOf('b', '@hourly', { sleep: true })], 'v1')
    table.setAsleep('a', true)
    table.set([jobOf('a', '@hourly'), jobOf('b', '@hourly')], 'v2')
    expect(table.list().map(({ job, next }) => [job.id, job.sleep, next])).toEqual([
      ['a', true, NEVER],
      ['b', true, NEVER],
    ])
    vi.advanceTimersByTime(DAY)
    table.stop()
    const again = openTable(memory)
    vi.advanceTimersByTime(DAY)
    again.table.setAsleep('a', false)
    vi.advanceTimersByTime(HOUR)
    expect([...fired, ...again.fired]).toEqual(['a @ 11-24T13:00:00'])
    expect(memory.loadJobs().jobs.map(({ id, sleep }) => [id, sleep])).toEqual([
      ['a', false],
      ['b', true],
    ])
  })
})

describe('a restart', () => {
  test('keeps the jobs; updateTime is never until a list arrives, even of the same version', () => {
    const { table, memory } = openTable()
    expect(table.updateTime).toBe(NEVER)
    table.set([jobOf('a', '@hourly')], 'v1')
    expect(table.updateTime).toBe('2026-11-23T12:00:00.000Z')
    table.stop()
    const again = openTable(memory)
    expect(again.table.updateTime).toBe(NEVER)
    vi.advanceTimersByTime(HOUR)
    expect(again.fired).toEqual(['a @ 11-23T13:00:00'])
    expect(again.table.set([jobOf('a', '@hourly'), jobOf('b', '@daily')], 'v1').accepted).toBe(2)
    expect(again.table.updateTime).toBe('2026-11-23T13:00:00.000Z')
  })
})

test.each(['', 'v1'])(
  'a list that differs is remembered although its version "%s" is the same',
  (version) => {
    const first = openTable()
    first.table.set([jobOf('a', '@hourly')], version)
    first.table.stop()
    const second = openTable(first.memory)
    second.table.set([jobOf('b', '@hourly')], version)
    second.table.stop()
    expect(
      openTable(first.memory)
        .table.list()
        .map(({ job }) => job.id),
    ).toEqual(['b'])
  },
)

describe('a clock that jumps', () => {
  test('forward, as after a suspend: a missed job runs once', () => {
    const { table, fired } = openTable()
    table.set(
      [jobOf('minutely', '* * * * *'), jobOf('at three', '0 15 * * *'), jobOf('tomorrow', '0 3 * * *')],
      'v1',
    )
    vi.setSystemTime(NOON + 8 * HOUR + 10_000)
    vi.advanceTimersByTime(2000)
    expect(fired.sort()).toEqual(['at three @ 11-23T15:00:00', 'minutely @ 11-23T12:01:00'])
    fired.length = 0
    vi.advanceTimersByTime(MINUTE)
    expect(fired).toEqual(['minutely @ 11-23T20:01:00'])
  })

  test('back by an hour: no named time runs again, and intervals continue', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '*/30 0-23 * * *')], 'v1')
    vi.advanceTimersByTime(61 * MINUTE)
    expect(fired).toEqual(['a @ 11-23T12:30:00', 'a @ 11-23T13:00:00'])
    vi.setSystemTime(NOON + MINUTE)
    vi.advanceTimersByTime(HOUR)
    table.stop()
    table.start()
    vi.advanceTimersByTime(10 * MINUTE)
    expect(fired).toHaveLength(2)
    vi.advanceTimersByTime(20 * MINUTE)
    expect(fired).toEqual(['a @ 11-23T12:30:00', 'a @ 11-23T13:00:00', 'a @ 11-23T13:30:00'])
  })

  test('back by a year: the clock was wrong, and schedules start again', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '@hourly')], 'v1')
    vi.advanceTimersByTime(HOUR)
    vi.setSystemTime(Date.UTC(2025, 10, 23, 12))
    vi.advanceTimersByTime(HOUR)
    expect(fired).toEqual(['a @ 11-23T13:00:00', 'a @ 11-23T13:00:00'])
    expect(table.get('a')?.prev).toBe('2025-11-23T13:00:00.000Z')
  })

  test('back by more than three hours: named times start again; by three hours they wait', () => {
    const { table } = openTable()
    table.set([jobOf('a', '0 11,13 * * *')], 'v1')
    vi.setSystemTime(NOON - 3 * HOUR)
    vi.advanceTimersByTime(2000)
    expect(table.get('a')?.next).toBe('2026-11-23T13:00:00.000Z')
    vi.setSystemTime(NOON - 30 * DAY)
    vi.advanceTimersByTime(2000)
    expect(table.get('a')?.next).toBe('2026-10-24T13:00:00.000Z')
  })

  test('back by ten minutes, with a stop and a start: the named time that ran does not run again', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '0 13 * * *')], 'v1')
    vi.advanceTimersByTime(HOUR + MINUTE)
    expect(fired).toEqual(['a @ 11-23T13:00:00'])
    vi.setSystemTime(NOON + 50 * MINUTE)
    table.stop()
    table.start()
    vi.advanceTimersByTime(20 * MINUTE)
    expect(fired).toEqual(['a @ 11-23T13:00:00'])
  })

  test('a wait longer than a timer of Node works', () => {
    const { table, fired } = openTable()
    table.set([jobOf('a', '0 0 20 12 *')], 'v1')
    vi.advanceTimersByTime(26 * DAY)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(DAY)
    expect(fired).toEqual(['a @ 12-20T00:00:00'])
  })
})

test('a due job that throws does not block others', () => {
  vi.useFakeTimers({ now: NOON })
  onTestFinished(() => void vi.useRealTimers())
  const fired: string[] = []
  const onDue = (job: Job) => {
    fired.push(job.id)
    if (job.id === 'a') throw new Error('no')
  }
  const table = new JobTable({
    clock: systemClock,
    agingClock: systemClock,
    log: silentLog,
    memory: new MemoryWithoutDisk(),
    isAction: () => true,
    onDue,
  })
  onTestFinished(() => table.stop())
  table.start()
  table.set([jobOf('a', '@hourly'), jobOf('b', '@hourly'), jobOf('c', '0 13 * * *')], 'v1')
  vi.advanceTimersByTime(2 * HOUR)
  expect(fired.sort()).toEqual(['a', 'a', 'b', 'b', 'c'])
})
