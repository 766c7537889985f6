import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { newRid } from '../../src/wire/ids.ts'
import type { Job } from '../../src/wire/job.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { heldEngine } from '../support/held-engine.ts'
import { startEngine } from '../support/start-engine.ts'

const FOREVER = { forever: true }

function jobOf(id: string, args: Record<string, unknown> = {}, change: Partial<Job> = {}): Job {
  return { id, spec: '@yearly', action: 'test', args, type: 'cron', sleep: false, ...change }
}

const reported = (rid: string) => (record: RunRecord) => record.rid === rid && record.progress !== null

describe('a run', () => {
  test('goes from running to success, and each change is numbered and on disk', async () => {
    const { engine, memory } = await startEngine()
    const first = await engine.runOnce('test', { steps: 2 })
    expect(first).toMatchObject({
      state: 'running',
      seq: 1,
      attempt: 1,
      jobId: '',
      spec: '',
      type: 'once',
      server: '10.77.0.11',
      end: null,
      result: null,
    })
    expect(memory.find(first.rid)?.state).toBe('running')
    const last = await memory.ended(first.rid)
    expect(last).toMatchObject({
      state: 'success',
      reason: '',
      error: null,
      result: { steps: 2 },
      warningCount: 0,
    })
    expect(last.progress).toMatchObject({
      phase: 'test',
      bytesDone: 2048,
      bytesTotal: 2048,
      filesDone: 2,
      currentPath: 'step-2',
    })
    const seqs = memory.versions.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_seq, index) => index + 1))
    expect(engine.record(first.rid)).toEqual(last)
    expect(engine.running()).toEqual([])
  })

  test('of a job has the id of the job', async () => {
    const { engine, memory } = await startEngine()
    engine.setJobs([jobOf('job-1', { steps: 1 })], 'v1')
    const { rid } = await engine.runJob('job-1')
    expect(await memory.ended(rid)).toMatchObject({
      jobId: 'job-1',
      spec: '@yearly',
      action: 'test',
      args: { steps: 1 },
      type: 'once',
    })
  })

  test('that fails says what went wrong', async () => {
    const { engine, memory } = await startEngine()
    const { rid } = await engine.runOnce('test', { failAt: 1 })
    const message = 'Step 1 failed as requested'
    expect(await memory.ended(rid)).toMatchObject({
      state: 'failed',
      reason: message,
      error: { code: 'INTERNAL', message, facts: { step: 1 } },
    })
  })

  test('whose process is killed fails, and the next one runs', async () => {
    const { engine, memory } = await startEngine()
    const { rid } = await engine.runOnce('test', { die: true })
    expect(await memory.ended(rid)).toMatchObject({
      state: 'failed',
      error: { code: 'RUNNER_DIED', facts: { signal: 'SIGKILL' } },
    })
    expect(await memory.ended((await engine.runOnce('test', {})).rid)).toMatchObject({ state: 'success' })
  })

  test('keeps the first thousand warnings and counts all', async () => {
    const { engine, memory } = await startEngine()
    const last = await memory.ended((await engine.runOnce('test', { warnings: 5000 })).rid)
    expect(last).toMatchObject({ state: 'partial', warningCount: 5000 })
    expect(last.warnings).toHaveLength(1000)
    expect(last.warnings.at(-1)).toBe('warning 1000 of 5000')
  })

  test('is never started twice', async () => {
    const { engine, memory } = await startEngine()
    const rid = newRid(Date.now())
    const both = await Promise.all([engine.runOnce('test', {}, { rid }), engine.runOnce('test', {}, { rid })])
    expect(both.map((record) => record.rid)).toEqual([rid, rid])
    const last = await memory.ended(rid)
    expect(await engine.runOnce('test', { failAt: 1 }, { rid })).toEqual(last)
    expect(memory.versions.filter(({ state }) => state === 'success')).toHaveLength(1)
  })

  test('is on disk before its child gets it', async () => {
    const { engine, memory, begun } = await heldEngine()
    memory.broken = new Error('the disk is full')
    await expect(engine.runOnce('test', {})).rejects.toThrow('the disk is full')
    expect([memory.versions, begun]).toEqual([[], []])
  })

  test('is written together with others that start at the same time', async () => {
    const { engine, memory } = await startEngine({ concurrency: 50 })
    const records = await Promise.all(
      Array.from({ length: 20 }, () => engine.runOnce('test', { steps: 0, forever: true })),
    )
    expect(memory.keeps).toEqual([records.map(({ rid }) => rid)])
  })

  test('gets the settings of its job', async () => {
    const { engine, memory } = await startEngine()
    const options = { consistency: 'strict', rereadEveryDays: 30 } as const
    engine.setJobs([jobOf('set', {}, { action: 'options', options })], 'v1')
    const { rid } = await engine.runJob('set')
    expect(await memory.ended(rid)).toMatchObject({ state: 'success', reason: JSON.stringify(options) })
  })

  test('gets its own settings in addition', async () => {
    const { engine, memory } = await startEngine()
    engine.setJobs([jobOf('set', {}, { action: 'options', options: { consistency: 'strict' } })], 'v1')
    const { rid } = await engine.runJob('set', { reread: true })
    const options = { consistency: 'strict', reread: true }
    expect(await memory.ended(rid)).toMatchObject({ state: 'success', reason: JSON.stringify(options) })
    const next = await engine.runJob('set')
    expect(await memory.ended(next.rid)).toMatchObject({ reason: JSON.stringify({ consistency: 'strict' }) })
  })

  test('is limited in time by its job', async () => {
    const { engine, memory } = await startEngine()
    engine.setJobs([jobOf('slow', FOREVER, { options: { timeLimitSeconds: 1 } })], 'v1')
    const { rid } = await engine.runJob('slow')
    expect(await memory.ended(rid)).toMatchObject({
      state: 'failed',
      error: { code: 'TIMED_OUT', facts: { seconds: 1 } },
    })
  })
})

describe('impossible requests', () => {
  test.each([
    ['an unknown action', 'nope', {}, 'BAD_INPUT', 'The action "nope" does not exist'],
    ['a query as a run', 'echo', {}, 'BAD_INPUT', 'The action "echo" does not exist'],
    ['bad args', 'test', { steps: 'many' }, 'BAD_INPUT', 'at steps'],
    ['unknown args', 'test', { speed: 1 }, 'BAD_INPUT', 'speed'],
  ])('%s', async (_name, action, args, code, message) => {
    const { engine, memory } = await startEngine()
    await expect(engine.runOnce(action, args)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
    expect(memory.versions).toEqual([])
  })

  test('an invalid rid, an unknown job, an unknown record are refused', async () => {
    const { engine } = await startEngine()
    await expect(engine.runOnce('test', {}, { rid: '../../etc/passwd' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    await expect(engine.runJob('nope')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(() => engine.cancel('nope')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(() => engine.sleep('nope')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(engine.record('nope')).toBeUndefined()
    expect(engine.job('nope')).toBeUndefined()
  })
})

describe('cancelling', () => {
  test('a running run ends as cancelled, once', async () => {
    const { engine, memory } = await startEngine()
    const { rid } = await engine.runOnce('test', FOREVER)
    await memory.until(reported(rid))
    expect(engine.cancel(rid).state).toBe('running')
    expect(await memory.ended(rid)).toMatchObject({
      state: 'cancelled',
      reason: 'Cancelled on request',
      error: { code: 'CANCELLED' },
    })
    expect(() => engine.cancel(rid)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })

  test('a queued run ends at once and never runs', async () => {
    const { engine, memory } = await startEngine({ concurrency: 1 })
    const running = await engine.runOnce('test', FOREVER)
    const queued = await engine.runOnce('test', {})
    expect(queued.state).toBe('queued')
    expect(engine.cancel(queued.rid).state).toBe('cancelled')
    engine.cancel(running.rid)
    await memory.ended(running.rid)
    expect(memory.versions.filter(({ rid }) => rid === queued.rid).map(({ state }) => state)).toEqual([
      'queued',
      'cancelled',
    ])
  })

  test('a run that is still being written never reaches a child', async () => {
    const { engine, memory } = await startEngine()
    const rid = newRid(Date.now())
    const asked = engine.runOnce('test', FOREVER, { rid })
    engine.cancel(rid)
    await asked
    expect((await memory.ended(rid)).progress).toBeNull()
  })
})

describe('order and locks', () => {
  test('runs on the same volume, one above or one below wait; others run', async () => {
    const { engine, memory } = await startEngine({ concurrency: 10 })
    const volumes = { db: '/v/db', wal: '/v/db/wal/', all: '/v', other: '/v2', near: '/v/db2' }
    engine.setJobs(
      Object.entries(volumes).map(([id, volume]) => jobOf(id, { ...FOREVER, volume })),
      'v1',
    )
    const states: Record<string, string> = {}
    for (const id of Object.keys(volumes)) states[id] = (await engine.runJob(id)).state
    expect(states).toEqual({ db: 'running', wal: 'queued', all: 'queued', other: 'running', near: 'queued' })
    const rid = engine.running().find(({ jobId }) => jobId === 'db')?.rid ?? ''
    engine.cancel(rid)
    // first come, first served: all of /v is wanted before /v/db2, but after /v/db/wal
    await memory.until(({ jobId, state }) => jobId === 'wal' && state === 'running')
    expect(
      engine
        .running()
        .map(({ jobId, state }) => `${jobId} ${state}`)
        .sort(),
    ).toEqual(['all queued', 'near queued', 'other running', 'wal running'])
  })

  test('runs start in order, a limited number at a time', async () => {
    const { engine, memory } = await startEngine({ concurrency: 2 })
    const records: RunRecord[] = []
    for (let n = 0; n < 6; n++) records.push(await engine.runOnce('test', { steps: 3 }))
    await Promise.all(records.map(({ rid }) => memory.ended(rid)))
    const events = memory.versions.filter(
      ({ state, progress }) => (state === 'running' && !progress) || state === 'success',
    )
    let atOnce = 0
    let most = 0
    for (const { state } of events) {
      atOnce += state === 'running' ? 1 : -1
      most = Math.max(most, atOnce)
    }
    expect(most).toBe(2)
    const begun = events.filter(({ state }) => state === 'running').map(({ rid }) => rid)
    expect(begun).toEqual(records.map(({ rid }) => rid))
  })

  test('a second one-off of the same kind on the same volume is refused, with the rid of the first', async () => {
    const { engine, memory } = await startEngine()
    const first = await engine.runOnce('test', { ...FOREVER, volume: '/v/db' })
    await expect(engine.runOnce('test', { volume: '/v/db/' })).rejects.toMatchObject({
      code: 'CONFLICT',
      facts: { rid: first.rid },
    })
    await expect(engine.runOnce('test', { volume: '/v' })).rejects.toMatchObject({ code: 'CONFLICT' })
    engine.cancel(first.rid)
    await memory.ended(first.rid)
    expect((await engine.runOnce('test', { volume: '/v/db' })).state).toBe('running')
  })

  test('a running job is queued once more by hand, not twice', async () => {
    const { engine } = await startEngine()
    engine.setJobs([jobOf('db', { ...FOREVER, volume: '/v/db' })], 'v1')
    expect((await engine.runJob('db')).state).toBe('running')
    const second = await engine.runJob('db')
    expect(second.state).toBe('queued')
    await expect(engine.runJob('db')).rejects.toMatchObject({ code: 'CONFLICT', facts: { rid: second.rid } })
  })

  test('a locked volume is refused', async () => {
    const { engine, memory } = await startEngine()
    engine.lockVolume('/v/db', 'its journal is open')
    for (const volume of ['/v/db', '/v', '/v/db/wal']) {
      await expect(engine.runOnce('test', { volume })).rejects.toMatchObject({
        code: 'VOLUME_LOCKED',
        message: expect.stringContaining('its journal is open'),
      })
    }
    expect(memory.versions).toEqual([])
    expect(await memory.ended((await engine.runOnce('test', { volume: '/v/db2' })).rid)).toMatchObject({
      state: 'success',
    })
  })
})

describe('questions', () => {
  test('are answered without a record and without a turn', async () => {
    const { engine, memory } = await startEngine({ concurrency: 1 })
    await engine.runOnce('test', FOREVER)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => engine.ask('echo', { say: `${n}` })),
    )
    expect(answers).toEqual(Array.from({ length: 10 }, (_, n) => ({ said: `${n}` })))
    expect(memory.keeps).toHaveLength(1)
  })

  test('are refused for an unknown action', async () => {
    const { engine } = await startEngine()
    await expect(engine.ask('test', {})).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(engine.ask('nope', {})).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  test('are given up after 9 s if they hang, and the others are answered', async () => {
    const { engine } = await startEngine()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const late = expect(engine.ask('echo', { never: true })).rejects.toMatchObject({
      code: 'TIMED_OUT',
      facts: { seconds: 9 },
    })
    expect(await engine.ask('echo', { say: 'meanwhile' })).toEqual({ said: 'meanwhile' })
    await vi.advanceTimersByTimeAsync(9000)
    await late
    expect(await engine.ask('echo', { say: 'afterwards' })).toEqual({ said: 'afterwards' })
  })

  test('that wait for hanging ones are given up in time too', async () => {
    const { engine } = await startEngine()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const late = Promise.allSettled(Array.from({ length: 8 }, () => engine.ask('echo', { never: true })))
    await vi.advanceTimersByTimeAsync(9000)
    expect((await late).map((one) => one.status === 'rejected' && one.reason.code)).toEqual(
      Array(8).fill('TIMED_OUT'),
    )
    // Killed at once; their turns are free when they are gone.
    await vi.advanceTimersByTimeAsync(1)
    expect(await engine.ask('echo', { say: 'afterwards' })).toEqual({ said: 'afterwards' })
  })
})

describe('stopping', () => {
  test('ends running and waiting runs, and accepts no more', async () => {
    const { engine, memory } = await startEngine({ concurrency: 1 })
    const running = await engine.runOnce('test', FOREVER)
    const queued = await engine.runOnce('test', {})
    await engine.close(5000)
    for (const { rid } of [running, queued]) {
      expect(memory.find(rid)).toMatchObject({ state: 'failed', error: { code: 'DAEMON_RESTARTED' } })
    }
    await expect(engine.runOnce('test', {})).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('kills runs that do not end', async () => {
    const { engine, memory } = await startEngine()
    const { rid } = await engine.runOnce('test', { forever: true, deaf: true })
    await memory.until(reported(rid))
    await engine.close(0)
    expect(memory.find(rid)).toMatchObject({ state: 'failed', error: { code: 'DAEMON_RESTARTED' } })
  })
})
