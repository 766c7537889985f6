import { expect, test } from 'vitest'
import type { Job } from '../../src/wire/job.ts'
import { silentLog } from '../support/silent-log.ts'
import { startEngine } from '../support/start-engine.ts'

function eachSecond(id: string, action: string, args: Record<string, unknown>): Job {
  return { id, spec: '* * * * * *', action, args, type: 'cron', sleep: false }
}

/** A log whose warnings and errors can be waited for. */
function listeningLog() {
  const warnings: string[] = []
  return {
    log: {
      ...silentLog,
      warn: (_facts: object, message: string) => void warnings.push(message),
      error: (_facts: object, message: string) => void warnings.push(message),
    },
    warned: (message: string) => expect.poll(() => warnings, { timeout: 30_000 }).toContain(message),
  }
}

test('the schedule runs a job, and prev is the scheduled second', async () => {
  const { engine, memory } = await startEngine()
  engine.setJobs([eachSecond('a', 'test', { steps: 1 })], 'v1')
  engine.start()
  const record = await memory.until(({ state }) => state === 'success')
  engine.stop()
  expect(record).toMatchObject({ jobId: 'a', spec: '* * * * * *', type: 'cron' })
  expect(engine.job('a')?.prev).toMatch(/:\d\d\.000Z$/)
})

test('a job whose last run still runs is skipped, with a log line', async () => {
  const { log, warned } = listeningLog()
  const { engine, memory } = await startEngine({ log, concurrency: 5 })
  engine.setJobs([eachSecond('a', 'test', { forever: true })], 'v1')
  engine.start()
  await warned('job skipped: its last run is still running')
  expect(memory.keeps).toHaveLength(1)
})

test('a scheduled run that cannot start has a record with the reason', async () => {
  const { engine, memory } = await startEngine()
  engine.lockVolume('/v/db', 'its journal is open')
  engine.setJobs(
    [eachSecond('bad', 'test', { steps: 'x' }), eachSecond('locked', 'test', { volume: '/v/db' })],
    'v1',
  )
  engine.start()
  expect(await memory.until(({ jobId, state }) => jobId === 'bad' && state === 'failed')).toMatchObject({
    error: { code: 'BAD_INPUT' },
  })
  expect(await memory.until(({ jobId, state }) => jobId === 'locked' && state === 'failed')).toMatchObject({
    error: { code: 'VOLUME_LOCKED' },
    reason: 'The volume /v/db is locked: its journal is open',
  })
})

test('a quiet run that does nothing leaves no record, one that announces itself does', async () => {
  const { log, warned } = listeningLog()
  const { engine, memory } = await startEngine({ log })
  engine.setJobs(
    [
      eachSecond('nothing', 'quiet', {}),
      eachSecond('fails', 'quiet', { fail: true }),
      eachSecond('works', 'quiet', { announce: true }),
    ],
    'v1',
  )
  engine.start()
  const running = await memory.until(({ state }) => state === 'running')
  expect(running.jobId).toBe('works')
  expect(await memory.ended(running.rid)).toMatchObject({ state: 'success', seq: running.seq + 1 })
  await warned(
    'The run of quiet failed: it went wrong (INTERNAL). A fault of backupd: see the log of the program that the message names, and report it.',
  )
  engine.stop()
  expect(new Set(memory.versions.map(({ jobId }) => jobId))).toEqual(new Set(['works']))
})

test('a failure of a quiet run is known until a later one succeeds or its job is gone', async () => {
  const { engine, problems } = await startEngine()
  const texts = () => problems.list().map(({ text }) => text)
  engine.setJobs([eachSecond('a', 'quiet', { fail: true })], 'v1')
  engine.start()
  const trouble = ['The job quiet cannot do all of its work: it went wrong']
  await expect.poll(texts, { timeout: 30_000 }).toEqual(trouble)
  engine.setJobs([eachSecond('a', 'quiet', {})], 'v2')
  expect(texts()).toEqual(trouble)
  await expect.poll(texts, { timeout: 30_000 }).toEqual([])
  engine.setJobs([eachSecond('a', 'quiet', { fail: true })], 'v3')
  await expect.poll(texts, { timeout: 30_000 }).toEqual(trouble)
  engine.setJobs([], 'v4')
  expect(texts()).toEqual([])
})

test('a schedule that is started while the engine closes runs nothing', async () => {
  const { engine, memory } = await startEngine()
  await engine.close(0)
  engine.setJobs([eachSecond('a', 'test', { steps: 1 })], 'v1')
  engine.start()
  await expect.poll(() => engine.job('a')?.prev, { timeout: 30_000 }).toMatch(/:\d\d\.000Z$/)
  engine.stop()
  expect(memory.keeps).toEqual([])
})

test('a quiet run by hand has a record', async () => {
  const { engine, memory } = await startEngine()
  const { rid } = await engine.runOnce('quiet', {})
  expect(await memory.ended(rid)).toMatchObject({ state: 'success' })
})

test('long runs do not delay quiet ones', async () => {
  const { engine, memory } = await startEngine({ concurrency: 1 })
  await engine.runOnce('test', { forever: true })
  expect((await engine.runOnce('test', {})).state).toBe('queued')
  const { rid } = await engine.runOnce('quiet', {})
  expect(await memory.ended(rid)).toMatchObject({ state: 'success' })
})
