import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HUNG_AFTER_MS, YIELD_AFTER_MS } from '../../src/engine/run-watch.ts'
import { readStepCount } from '../../src/lib/work-steps.ts'
import { openFolder } from '../../src/volume/swap/folder.ts'
import { emptyFolder } from '../../src/volume/swap/remove-tree.ts'
import { jobSchema } from '../../src/wire/job.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { handClock } from '../support/hand-clock.ts'
import { startEngine } from '../support/start-engine.ts'

const PATIENCE = { timeout: 30_000, interval: 20 }
const HANGS = { forever: true, deaf: true }

/** An engine with one lane, and a clock for its runs that only a test moves. */
async function oneLane() {
  const clock = handClock()
  const started = await startEngine({ concurrency: 1, clock })
  const pass = (ms: number) => clock.move(ms)
  const hang = async (args: object = {}) => {
    const { rid } = await started.engine.runOnce('test', { ...HANGS, ...args })
    await started.memory.until((record) => record.rid === rid && record.progress?.filesDone === 1)
    return rid
  }
  const texts = () => started.problems.list().map(({ text }) => text)
  return { ...started, pass, hang, texts }
}

test('a hanging run is named, gives up its lane after ten minutes, and keeps its volume', async () => {
  const { engine, memory, pass, hang, texts } = await oneLane()
  const volume = '/srv/hung'
  const hung = await hang({ volume })
  const other = await engine.runOnce('test', {})
  const rival = engine.setJobs(
    [jobSchema.parse({ id: 'j', spec: '@yearly', action: 'test', args: { volume } })],
    'v1',
  )
  expect(rival.accepted).toBe(1)
  const waits = await engine.runJob('j')
  pass(HUNG_AFTER_MS)
  await expect.poll(texts, PATIENCE).toEqual([expect.stringContaining(`cancel the run ${hung}`)])
  expect(engine.record(other.rid)?.state).toBe('queued')
  pass(YIELD_AFTER_MS - HUNG_AFTER_MS)
  expect((await memory.ended(other.rid)).state).toBe('success')
  expect(engine.record(waits.rid)?.state).toBe('queued')
  expect(engine.record(hung)?.state).toBe('running')
})

test('a hanging run ends at once when it is cancelled, and its volume is free', async () => {
  const { engine, memory, pass, hang, texts } = await oneLane()
  const volume = '/srv/hung'
  const hung = await hang({ volume })
  pass(HUNG_AFTER_MS)
  await expect.poll(texts, PATIENCE).toHaveLength(1)
  engine.cancel(hung)
  expect(await memory.ended(hung)).toMatchObject({ state: 'cancelled' })
  await expect.poll(() => engine.locked(), PATIENCE).toEqual([])
  const { rid } = await engine.runOnce('test', { volume })
  expect((await memory.ended(rid)).state).toBe('success')
})

test('a working run without visible progress does not hang', async () => {
  const { engine, pass, hang, texts } = await oneLane()
  const busy = await hang({ busy: true })
  pass(HUNG_AFTER_MS)
  await expect.poll(texts, PATIENCE).toHaveLength(1)
  await expect.poll(texts, PATIENCE).toEqual([])
  expect(engine.record(busy)?.state).toBe('running')
})

test('each name that is removed from a folder counts as progress', async () => {
  using dir = temporaryDir()
  for (let n = 0; n < 20; n++) writeFileSync(join(dir.path, `${n}`), '')
  const before = readStepCount()
  await using folder = await openFolder(Buffer.from(dir.path))
  await emptyFolder(folder)
  expect(readStepCount() - before).toBeGreaterThanOrEqual(20)
})

test('a hanging run ends at its time limit', async () => {
  const { engine, memory, pass } = await oneLane()
  const job = { id: 'j', spec: '@yearly', action: 'test', args: HANGS, options: { timeLimitSeconds: 3600 } }
  engine.setJobs([jobSchema.parse(job)], 'v1')
  const { rid } = await engine.runJob('j')
  await memory.until((record) => record.rid === rid && record.progress?.filesDone === 1)
  pass(3_600_000)
  expect(await memory.ended(rid)).toMatchObject({ state: 'failed', error: { code: 'TIMED_OUT' } })
})
