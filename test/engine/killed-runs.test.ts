import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testPlugin } from '../../src/engine/plugins/test/plugin.ts'
import type { RunEnd } from '../../src/engine/ports.ts'
import { lifeLock, listLifeLocks } from '../../src/engine/run-locks.ts'
import { MAX_HUNG } from '../../src/engine/run-watch.ts'
import { SETTLE_IDLE_MS } from '../../src/engine/settle-later.ts'
import { newRid } from '../../src/wire/ids.ts'
import { enginePlugins } from '../support/engine-plugins.ts'
import { heldEngine, SUCCESS } from '../support/held-engine.ts'
import { startEngine } from '../support/start-engine.ts'

const KILLED: RunEnd = {
  state: 'failed',
  reason: 'it was killed',
  error: { code: 'RUNNER_DIED', message: 'it was killed', facts: {} },
}

const VOLUME = { volume: '/v/db' }

/** A run was killed and another is queued for its volume. */
async function killedBeforeAnother() {
  const held = await heldEngine()
  const { engine, memory, nth } = held
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
  return { ...held, second, gone }
}

test('the volume of a killed run is locked until its process is gone and it is settled, and queued runs wait', async () => {
  const { engine, memory, begun, nth, second, gone } = await killedBeforeAnother()
  await expect(engine.runOnce('test', VOLUME)).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  expect(begun).toHaveLength(1)

  gone.resolve()
  const settling = await nth(1)
  expect(settling.task.action).toBe('settle')
  await expect(engine.runOnce('test', VOLUME)).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  settling.end({ ...SUCCESS, result: { settled: [], locked: [] } })
  await expect.poll(() => engine.locked()).toEqual([])
  ;(await nth(2)).end(SUCCESS)
  expect(await memory.ended(second.rid)).toMatchObject({ state: 'success' })
})

test('a run queued behind a killed one whose process never ends is refused at last', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { memory, begun, second } = await killedBeforeAnother()
  await vi.advanceTimersByTimeAsync(29_000)
  expect(memory.find(second.rid)).toMatchObject({ state: 'queued' })
  await vi.advanceTimersByTimeAsync(1000)
  expect(await memory.ended(second.rid)).toMatchObject({ state: 'failed', error: { code: 'VOLUME_LOCKED' } })
  expect(begun).toHaveLength(1)
})

test('killed processes that never end give their lanes to other runs up to a limit', async () => {
  const { engine, begun, nth, memory } = await heldEngine({ concurrency: 1 })
  const rids: string[] = []
  for (let n = 0; n <= MAX_HUNG + 1; n++) rids.push((await engine.runOnce('test', { volume: `/v/${n}` })).rid)
  for (const [n, rid] of rids.slice(0, -1).entries()) {
    const run = await nth(n)
    run.on.killed?.(new Promise(() => {}))
    run.end(KILLED)
    await memory.ended(rid)
  }
  expect(begun).toHaveLength(MAX_HUNG + 1)
  expect(memory.find(rids.at(-1) ?? '')).toMatchObject({ state: 'queued' })
})

test('messages of a process after the end of its run change no record', async () => {
  const { engine, memory, nth } = await heldEngine()
  const { rid } = await engine.runOnce('test', {})
  const { on, end } = await nth(0)
  end(SUCCESS)
  const last = await memory.ended(rid)
  on.progress({ phase: 'late' })
  on.warn('late')
  expect(memory.versions.filter((record) => record.rid === rid).at(-1)).toEqual(last)
})

test('nothing stays locked after the runs of the previous daemon are settled', async () => {
  const { engine, settings } = await startEngine()
  const locks = join(settings.dataDir, 'locks')
  mkdirSync(locks)
  writeFileSync(join(locks, lifeLock(newRid(Date.now()))), '')
  await engine.settle({ withStore: false })
  expect(await listLifeLocks(settings.dataDir)).toEqual([])
})

test('settling a killed run has no time limit while it makes progress', async () => {
  const { engine, nth } = await heldEngine()
  await engine.runOnce('test', VOLUME)
  const run = await nth(0)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  run.on.killed?.(Promise.resolve())
  run.end(KILLED)
  const { on, task } = await nth(1)
  expect(task.args).toMatchObject({ copiesOf: [VOLUME.volume] })
  for (const works of [() => on.alive?.(), () => on.progress({ currentPath: 'a' }), () => on.alive?.()]) {
    await vi.advanceTimersByTimeAsync(SETTLE_IDLE_MS - 10_000)
    works()
  }
  expect(task.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(SETTLE_IDLE_MS)
  expect(task.signal.reason).toMatchObject({ code: 'TIMED_OUT' })
})

test('a recover whose process died is settled at once, and the next run of its volume waits', async () => {
  const recovering = { ...testPlugin, name: 'recovering', changesVolumes: true }
  const { engine, memory, nth } = await heldEngine({ plugins: [...enginePlugins, recovering] })
  const { rid } = await engine.runOnce('recovering', VOLUME)
  ;(await nth(0)).end(KILLED)
  expect(await memory.ended(rid)).toMatchObject({ error: { code: 'RUNNER_DIED' } })
  const settling = await nth(1)
  expect(settling.task).toMatchObject({ action: 'settle', args: { copiesOf: [VOLUME.volume] } })
  const next = await engine.runOnce('recovering', VOLUME)
  expect(next.state).toBe('queued')
  settling.end({ ...SUCCESS, result: { settled: [], locked: [] } })
  ;(await nth(2)).end(SUCCESS)
  expect(await memory.ended(next.rid)).toMatchObject({ state: 'success' })
})

test('a recover whose process died and that cannot be settled locks its volume with the reason', async () => {
  const recovering = { ...testPlugin, name: 'recovering', changesVolumes: true }
  const { engine, memory, nth } = await heldEngine({ plugins: [...enginePlugins, recovering] })
  const { rid } = await engine.runOnce('recovering', VOLUME)
  ;(await nth(0)).end(KILLED)
  await memory.ended(rid)
  const next = await engine.runOnce('recovering', VOLUME)
  const locked = [{ ...VOLUME, journal: '/v/.staging', reason: 'the volume is in use' }]
  ;(await nth(1)).end({ ...SUCCESS, result: { settled: [], locked } })
  expect(await memory.ended(next.rid)).toMatchObject({
    state: 'failed',
    error: { code: 'VOLUME_LOCKED', message: expect.stringContaining('the volume is in use') },
  })
})
