import { expect, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { handClock } from '../support/hand-clock.ts'
import { heldEngine } from '../support/held-engine.ts'
import { startEngine } from '../support/start-engine.ts'

const namesOf = ({ phases = [] }: RunRecord) => phases.map(({ name }) => name)

test('a run has a phase for what it did, and one for its start', async () => {
  const { engine, memory } = await startEngine()
  const { start, end, phases } = await memory.ended((await engine.runOnce('test', { steps: 3 })).rid)
  const turn = phases?.[0]?.end
  expect(phases).toEqual([
    { name: 'start', start, end: turn, bytes: 0 },
    { name: 'test', start: turn, end, bytes: 3 * 1024 },
  ])
})

test('a run whose process is killed has the phases that it reached', async () => {
  const { engine, memory } = await startEngine()
  const ended = await memory.ended((await engine.runOnce('test', { die: true })).rid)
  expect(ended).toMatchObject({ state: 'failed', error: { code: 'RUNNER_DIED' } })
  expect(namesOf(ended)).toEqual(['start', 'test'])
  expect(ended.phases?.[1]?.end).toBe(ended.end)
})

test('a run that waited for its turn has a phase for that', async () => {
  const clock = handClock()
  const { engine, memory, nth } = await heldEngine({ concurrency: 1, clock })
  await engine.runOnce('test', { volume: '/v/one' })
  const second = await engine.runOnce('test', { volume: '/v/two' })
  expect(second.phases).toEqual([{ name: 'queue', start: second.start, end: null, bytes: 0 }])
  clock.move(5000)
  ;(await nth(0)).end({ state: 'success', reason: '', result: null })
  await nth(1)
  const running = await memory.until(({ rid, state }) => rid === second.rid && state === 'running')
  expect(running.phases).toEqual([
    { name: 'queue', start: second.start, end: running.start, bytes: 0 },
    { name: 'start', start: running.start, end: null, bytes: 0 },
  ])
})

test('a phase is stored when it begins, and is known after a kill of the daemon, but not when it ended', async () => {
  const memory = new MemoryWithoutDisk()
  const { engine, nth } = await heldEngine({ memory })
  const { rid } = await engine.runOnce('test', {})
  const { on } = await nth(0)
  on.progress({ phase: 'pack', bytesDone: 0 })
  on.progress({ bytesDone: 500 })
  on.progress({ phase: 'publish' })
  const stored = memory.find(rid)
  expect(namesOf(stored as RunRecord)).toEqual(['start', 'pack', 'publish'])
  const left = new MemoryWithoutDisk()
  await left.keep([stored as RunRecord])
  const next = await startEngine({ memory: left })
  await next.engine.settle()
  expect(left.find(rid)).toMatchObject({
    state: 'failed',
    error: { code: 'DAEMON_RESTARTED' },
    phases: [{ name: 'start' }, { name: 'pack', bytes: 500 }, { name: 'publish', end: null }],
  })
})

test('what a process says after the end of its run begins no phase', async () => {
  const { engine, memory, nth } = await heldEngine()
  const { rid } = await engine.runOnce('test', {})
  const { on, end } = await nth(0)
  end({ state: 'success', reason: '', result: null })
  await memory.ended(rid)
  on.progress({ phase: 'late' })
  expect(namesOf(engine.record(rid) as RunRecord)).toEqual(['start'])
})
