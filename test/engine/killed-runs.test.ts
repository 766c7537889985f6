import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunEnd, Runner, RunnerEvents, RunTask } from '../../src/engine/ports.ts'
import { leftLifeLocks, lifeLock } from '../../src/engine/run-locks.ts'
import { newRid } from '../../src/lib/ids.ts'
import { startEngine } from '../support/start-engine.ts'

const SUCCESS: RunEnd = { state: 'success', reason: '', result: null }
const KILLED: RunEnd = {
  state: 'failed',
  reason: 'it was killed',
  error: { code: 'RUNNER_DIED', message: 'it was killed', facts: {} },
}

interface Begun {
  task: RunTask
  on: RunnerEvents
  end(end: RunEnd): void
}

/** An engine whose runs end when the test says so. */
async function heldEngine() {
  const begun: Begun[] = []
  const runner: Runner = {
    run(task, on) {
      const { promise, resolve } = Promise.withResolvers<RunEnd>()
      begun.push({ task, on, end: resolve })
      return promise
    },
    close: async () => {},
  }
  const nth = (n: number) =>
    expect
      .poll(() => begun[n])
      .toBeDefined()
      .then(() => begun[n] as Begun)
  return { ...(await startEngine({ runner })), begun, nth }
}

const VOLUME = { volume: '/v/db' }

test('the volume of a killed run is locked, for who waited too, until its process is gone and it is settled', async () => {
  const { engine, memory, begun, nth } = await heldEngine()
  const jobs = ['first', 'second'].map((id) => ({ id, spec: '@yearly', action: 'test', args: VOLUME }))
  engine.setJobs(
    jobs.map((job) => ({ ...job, type: 'cron', sleep: false })),
    'v1',
  )
  const first = await engine.runJob('first')
  const second = await engine.runJob('second')
  expect(second.state).toBe('queued')
  const gone = Promise.withResolvers<void>()
  const run = await nth(0)
  run.on.killed?.(gone.promise)
  run.end(KILLED)
  await memory.ended(first.rid)
  expect(await memory.ended(second.rid)).toMatchObject({ state: 'failed', error: { code: 'VOLUME_LOCKED' } })
  expect(begun).toHaveLength(1)

  gone.resolve()
  const settling = await nth(1)
  expect(settling.task.action).toBe('settle')
  await expect(engine.runOnce('test', VOLUME)).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  settling.end({ ...SUCCESS, result: { settled: [], locked: [] } })
  await expect.poll(() => engine.locked()).toEqual([])
  const { rid } = await engine.runOnce('test', VOLUME)
  ;(await nth(2)).end(SUCCESS)
  expect(await memory.ended(rid)).toMatchObject({ state: 'success' })
})

test('what a process says after the end of its run changes no record', async () => {
  const { engine, memory, nth } = await heldEngine()
  const { rid } = await engine.runOnce('test', {})
  const { on, end } = await nth(0)
  end(SUCCESS)
  const last = await memory.ended(rid)
  on.progress({ phase: 'late' })
  on.warn('late')
  expect(memory.versions.filter((record) => record.rid === rid).at(-1)).toEqual(last)
})

test('nothing is left locked once the runs of an earlier life are settled', async () => {
  const { engine, settings } = await startEngine()
  const locks = join(settings.dataDir, 'locks')
  mkdirSync(locks)
  writeFileSync(join(locks, lifeLock(newRid(Date.now()))), '')
  await engine.settle({ withStore: false })
  expect(await leftLifeLocks(settings.dataDir)).toEqual([])
})
