import { expect, test } from 'vitest'
import { type NightRun, VerifyNight } from '../../src/engine/verify-night.ts'
import { type Job, jobSchema } from '../../src/wire/job.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import type { VerifyPlan } from '../../src/wire/verify-schedule.ts'
import { sampleRun, someProgress } from '../support/daemon-kit.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'

const HOUR_MS = 3_600_000
const DEMAND = { bytes: 0, nightlyBytes: 0, shortestDays: 30, longestDays: 30, budgetBytes: 0, tooLarge: 0 }

/** What the verification of a backup reads, and how it ends; `SIZE` in full if nothing is said. */
interface Reading {
  bytes: number
  code?: string
}

/** A night over backups that are read in the order of `due`. `bytes` null: a series. */
function nightOf(
  due: Record<string, number | null>,
  {
    budgetBytes = 100 as number | null,
    driver = 'local',
    memory = new MemoryWithoutDisk(),
    pageLimit = 500,
  } = {},
) {
  const clock = handClock()
  const log = keepingLog()
  const reads: string[] = []
  const limits: (number | undefined)[] = []
  const readings = new Map<string, Reading>()
  const plans = { count: 0 }
  let isAwake = true
  let onVerify = (_name: string): void => {}
  const job: Job = jobSchema.parse({
    id: '0a000001-verify',
    spec: '@daily',
    action: 'backup_verify_due',
    args: { budgetBytes, rules: [] },
  })
  /** As the plugin does: archives that do not fit into the rest of the budget are left out. */
  const plan = ({ tried, leftBytes }: NightRun['args']): VerifyPlan => {
    plans.count++
    const all = Object.entries(due)
      .filter(([backup, bytes]) => !(tried as string[]).includes(backup) && (bytes ?? 0) <= Number(leftBytes))
      .map(([backup, bytes]) => ({ app: 'a', proc: 'p', backup, namespace: '10.0.0.1', bytes }))
    const next = all.slice(0, pageLimit)
    return { next, hasMore: all.length > next.length, demand: DEMAND }
  }
  const verify = ({ args, maxReadBytes, onBytes }: NightRun): RunRecord => {
    const name = String(args.backup)
    const { bytes, code } = readings.get(name) ?? { bytes: Math.min(due[name] ?? 1e9, maxReadBytes ?? 1e9) }
    reads.push(name)
    limits.push(maxReadBytes)
    onBytes?.(bytes)
    onVerify(name)
    const error = code === undefined ? null : { code, message: 'failed', facts: {} }
    const state = code === 'CANCELLED' ? 'cancelled' : error ? 'failed' : 'success'
    return sampleRun({ action: 'backup_verify' }).at(state, { error, progress: someProgress(bytes) })
  }
  const open = () =>
    new VerifyNight({
      ...{ clock, log, memory, driver },
      findJob: () => (isAwake ? job : undefined),
      async run(request) {
        await new Promise(setImmediate)
        if (request.action === 'backup_verify') return verify(request)
        return sampleRun().at('success', { result: { ...plan(request.args) } })
      },
    })
  const settled = () => expect.poll(() => memory.loadNight()?.isOver).toBe(true)
  return {
    ...{ clock, log, reads, limits, readings, plans, memory, job, open, settled },
    sleep: () => {
      isAwake = false
    },
    wake: () => {
      isAwake = true
    },
    whenVerified: (act: typeof onVerify) => {
      onVerify = act
    },
  }
}

test('a night reads until the budget is used up; the next one begins with a new budget', async () => {
  const world = nightOf({ a: 60, b: 60, c: 40, d: 1 })
  const night = world.open()
  night.begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a', 'c'])
  expect(world.memory.loadNight()).toMatchObject({ bytes: 100, backups: 2 })
  world.clock.move(HOUR_MS)
  night.begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a', 'c'])
  world.clock.move(23 * HOUR_MS)
  night.begin(world.job)
  await expect.poll(() => world.reads).toHaveLength(4)
})

test('a series is read as far as the budget allows', async () => {
  const world = nightOf({ a: 60, series: null })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a', 'series'])
  expect(world.limits).toEqual([100, 40])
  expect(world.memory.loadNight()?.bytes).toBe(100)
})

test('a night ends when nothing fits into the rest of its budget, however many backups are due', async () => {
  const world = nightOf({ a: 60, b: 60, c: 60, d: 60 }, { pageLimit: 2 })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a'])
  expect(world.plans.count).toBe(2)
})

test('a cancelled verification leaves the rest of the night to the other backups', async () => {
  const world = nightOf({ a: 10, b: 10 })
  world.readings.set('a', { bytes: 5, code: 'CANCELLED' })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a', 'b'])
  expect(world.memory.loadNight()).toMatchObject({ bytes: 15, tried: ['a', 'b'] })
})

test('a large series takes half of what is left while others are due', async () => {
  const GIB = 2 ** 30
  const world = nightOf({ series: null, archive: 20 * GIB, other: null }, { budgetBytes: 50 * GIB })
  world.readings.set('series', { bytes: 25 * GIB })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['series', 'archive', 'other'])
  expect(world.limits).toEqual([25 * GIB, 30 * GIB - 5 * GIB, 2.5 * GIB])
})

test('a restarted daemon goes on in the same night with what is left of the budget', async () => {
  const world = nightOf({ a: 60, b: 30, c: 40 })
  world.readings.set('b', { bytes: 10, code: 'DAEMON_RESTARTED' })
  world.open().begin(world.job)
  await expect.poll(() => world.reads).toEqual(['a', 'b'])
  await expect.poll(() => world.memory.loadNight()).toMatchObject({ bytes: 70, tried: ['a'], isOver: false })
  world.readings.clear()
  world.open().resume()
  await world.settled()
  // The 40 of the last one are more than what is left.
  expect(world.reads).toEqual(['a', 'b', 'b'])
  expect(world.memory.loadNight()?.bytes).toBe(100)
  world.open().resume()
  await new Promise(setImmediate)
  expect(world.reads).toHaveLength(3)
})

test('a daemon that was down until another night waits for the planned time', async () => {
  const world = nightOf({ a: 60 })
  world.readings.set('a', { bytes: 10, code: 'DAEMON_RESTARTED' })
  world.open().begin(world.job)
  await expect.poll(() => world.reads).toEqual(['a'])
  world.clock.move(30 * HOUR_MS)
  world.open().resume()
  await new Promise(setImmediate)
  expect(world.reads).toEqual(['a'])
})

test('a clock that is set back gives no second budget', async () => {
  const world = nightOf({ a: 100, b: 100 })
  const night = world.open()
  night.begin(world.job)
  await world.settled()
  world.clock.move(-5 * HOUR_MS)
  night.begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['a'])
})

test('a store that cannot be read ends the night after three backups, and damage does not', async () => {
  const due = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`b${at}`, 1]))
  const world = nightOf(due)
  for (const name of ['b0', 'b1', 'b2']) world.readings.set(name, { bytes: 1, code: 'ARCHIVE_CORRUPT' })
  for (const name of ['b4', 'b5', 'b6']) world.readings.set(name, { bytes: 0, code: 'STORE_UNAVAILABLE' })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(['b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6'])
  expect(world.log.lines.join('\n')).toContain('ends early')
})

test('a job that is put to sleep ends after the backup under way, and goes on when it is due again', async () => {
  const world = nightOf({ a: 1, b: 1 })
  world.whenVerified(() => world.sleep())
  const night = world.open()
  night.begin(world.job)
  await expect.poll(() => world.memory.loadNight()?.tried).toEqual(['a'])
  world.wake()
  world.whenVerified(() => {})
  await expect
    .poll(() => {
      night.begin(world.job)
      return world.reads
    })
    .toEqual(['a', 'b'])
})

test.each([
  ['s3', null, []],
  ['s3', 100, ['a']],
  ['moosefs', null, ['a']],
])('on %s with the budget %s it reads %j', async (driver, budgetBytes, expected) => {
  const world = nightOf({ a: 1 }, { driver, budgetBytes })
  world.open().begin(world.job)
  await world.settled()
  expect(world.reads).toEqual(expected)
})
