import { expect, test } from 'vitest'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { heldEngine, SUCCESS } from '../support/held-engine.ts'

const STUCK = {
  state: 'failed',
  reason: 'no answer',
  error: { code: 'TIMED_OUT', message: 'no answer', facts: {} },
} as const

test('runs that could not be settled at a start are settled later without a restart, and the volumes are free', async () => {
  const before = await heldEngine()
  const interrupted = await before.engine.runOnce('test', { volume: '/v/db' })
  const memory = new MemoryWithoutDisk()
  await memory.keep([interrupted])
  const { engine, nth } = await heldEngine({ memory })
  const settled = engine.settle({ withStore: false })
  ;(await nth(0)).end(STUCK)
  expect(await settled).toMatchObject({
    ended: [],
    locked: [{ volume: '/', reason: expect.stringContaining('tries again on its own') }],
  })
  await expect(engine.runOnce('test', { volume: '/v/other' })).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
  })
  expect(memory.find(interrupted.rid)?.state).toBe('running')

  // A run without a volume may begin meanwhile: it is not one of those that were interrupted.
  const younger = await engine.runOnce('test', {})
  const isSettling = async (n: number) => (await nth(n)).task.action === 'settle'
  const [run, again] = (await isSettling(1)) ? [await nth(2), await nth(1)] : [await nth(1), await nth(2)]
  again.end({ ...SUCCESS, result: { settled: [], locked: [] } })
  expect(await memory.ended(interrupted.rid)).toMatchObject({
    state: 'failed',
    error: { code: 'DAEMON_RESTARTED' },
  })
  await expect.poll(() => engine.locked()).toEqual([])
  for (const record of [engine.record(younger.rid), memory.find(younger.rid)])
    expect(record?.state).toBe('running')
  run.end(SUCCESS)
  await engine.runOnce('test', { volume: '/v/other' })
})
