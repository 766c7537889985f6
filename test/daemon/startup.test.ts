import { expect, onTestFinished, test } from 'vitest'
import { Startup } from '../../src/daemon/startup.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { keepingLog } from '../support/keeping-log.ts'

type ClaimError = 'STORE_UNAVAILABLE' | 'STORE_CHANGED' | 'CONFLICT' | 'TIMED_OUT'

/** Each claim fails with the next of `codes`, the ones after them succeed. */
function startupWith(...codes: ClaimError[]) {
  return createStartup(codes, { maxRetryIntervalMs: 20 })
}

function createStartup(codes: ClaimError[], options: { maxRetryIntervalMs?: number }) {
  const schedule: string[] = []
  const log = keepingLog()
  let settling = Promise.resolve()
  const startup = new Startup({
    async claim() {
      const code = codes.shift()
      if (code) throw new BackupdError(code, `the store says ${code}`)
    },
    engine: {
      settle: () => settling.then(() => ({ ended: [], locked: [] })),
      stop: () => void schedule.push('stop'),
    },
    scheduler: { resume: () => void schedule.push('start') },
    log,
    ...options,
  })
  onTestFinished(() => startup.stop())
  /** Settling lasts until the returned function is called. */
  const holdSettling = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    settling = promise
    return resolve
  }
  return { startup, schedule, left: codes, log, holdSettling }
}

test('a refused store that appears after the start is tried again, and used when it is right', async () => {
  // So many that a loaded machine sees them.
  const refusals = Array.from({ length: 25 }, () => 'CONFLICT' as const)
  const { startup, schedule, left } = startupWith('STORE_UNAVAILABLE', ...refusals)
  await startup.run()
  expect(startup.waitsFor).toBeUndefined()
  await expect.poll(() => startup.waitsFor).toBe('the store says CONFLICT')
  await expect.poll(() => startup.waitsFor).toBeUndefined()
  expect(left).toEqual([])
  expect(schedule).toEqual(['start', 'stop', 'start'])
})

test('nothing runs before interrupted runs are settled, also if a refused store is right meanwhile', async () => {
  const { startup, schedule, log, holdSettling } = startupWith('STORE_CHANGED')
  const settled = holdSettling()
  const started = startup.run()
  await expect.poll(() => log.lines.join()).toContain('The store is available and claimed')
  expect(startup.waitsFor).toBe('interrupted runs are being settled')
  expect(schedule).toEqual(['stop'])
  settled()
  await started
  expect(schedule).toEqual(['stop', 'start'])
})

test('a refused store ends a starting daemon', async () => {
  const { startup, schedule } = startupWith('CONFLICT')
  await expect(startup.run()).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(schedule).toEqual([])
})

test('another store does not end a starting daemon, but nothing runs until the known one is back', async () => {
  const { startup, schedule, left } = startupWith('STORE_CHANGED', 'STORE_CHANGED')
  await startup.run()
  expect(startup.waitsFor).toBe('the store says STORE_CHANGED')
  await expect.poll(() => startup.waitsFor).toBeUndefined()
  expect(left).toEqual([])
  expect(schedule).toEqual(['stop', 'start'])
})

test('a claim that timed out on a busy machine is tried again at once; each cause is logged once', async () => {
  const { startup, log } = createStartup(['TIMED_OUT', 'TIMED_OUT'], {})
  await startup.run()
  await expect.poll(() => log.lines.join(), { timeout: 5000 }).toContain('The store is available and claimed')
  const causes = log.lines.join().match(/The store cannot be claimed: the store says \w+/g)
  expect(causes).toEqual(['The store cannot be claimed: the store says TIMED_OUT'])
})

test('a daemon that is stopped while it starts starts no schedule', async () => {
  const { startup, schedule } = startupWith()
  const started = startup.run()
  startup.stop()
  await started
  expect(schedule).toEqual([])
})
