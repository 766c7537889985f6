import { expect, test } from 'vitest'
import { isTerminal } from '../../src/wire/record.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { heldEngine, SUCCESS } from '../support/held-engine.ts'

const VOLUME = '/v/db'

/** An engine that finds an interrupted copy in place, and one more record, of its last life. */
async function settledEngine() {
  const first = await heldEngine()
  const copy = await first.engine.runOnce('test', { volume: VOLUME })
  const other = await first.engine.runOnce('test', { volume: '/v/other' })
  const memory = new MemoryWithoutDisk()
  await memory.keep([copy, other])
  const second = await heldEngine({ memory })
  const settled = second.engine.settle({ withStore: false })
  const start = await second.nth(0)
  expect(start.task.args).toEqual({ withStore: false, copiesOf: [] })
  const copies = [{ volume: VOLUME, rid: copy.rid }]
  start.end({ ...SUCCESS, result: { settled: [], locked: [], copies } })
  expect(await settled).toEqual({ ended: [other.rid], locked: [] })
  return { ...second, memory, rid: copy.rid, settling: await second.nth(1) }
}

test.each([
  ['all of it', {}, /the volume has its new content$/, /Nothing is left to do/],
  ['not exactly', { faults: 3 }, /3 entries could not be restored exactly/, /See the warnings of the record/],
])(
  'an interrupted copy in place blocks only its volume, and its record says how it ended: %s',
  async (_how, inexact, message, advice) => {
    const { engine, memory, rid, settling, nth, problems } = await settledEngine()
    expect(settling.task).toMatchObject({ action: 'settle', args: { copiesOf: [VOLUME] } })
    await expect(engine.runOnce('test', { volume: VOLUME })).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
    await engine.runOnce('test', { volume: '/v/other' })
    ;(await nth(2)).end(SUCCESS)
    expect(memory.find(rid)?.state).toBe('running')

    const settled = [{ volume: VOLUME, rid, outcome: 'went forward', ...inexact }]
    settling.end({ ...SUCCESS, result: { settled, locked: [] } })
    expect(await memory.ended(rid)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(message),
      error: { code: 'DAEMON_RESTARTED', facts: { outcome: 'went forward', ...inexact } },
    })
    await expect.poll(() => engine.locked()).toEqual([])
    expect(problems.list()).toContainEqual(
      expect.objectContaining({ source: 'runs', text: expect.stringMatching(advice) }),
    )
  },
)

test('a copy in place that cannot be finished yet says why, in its record and in its lock', async () => {
  const { engine, memory, rid, settling } = await settledEngine()
  const reason = 'the volume is in use by process 1 (sleep)'
  const locked = [{ volume: VOLUME, journal: '/v/.staging', reason }]
  settling.end({ state: 'partial', reason, result: { settled: [], locked } })
  expect(await memory.ended(rid)).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining(reason),
    error: { code: 'VOLUME_LOCKED', facts: { journal: '/v/.staging' } },
  })
  expect(engine.locked()).toEqual([{ path: VOLUME, reason }])
})

test('a record that has ended stays as it is if its volume is locked then, and the problem says why', async () => {
  const { engine, memory, rid, settling, problems } = await settledEngine()
  const reason = 'another recover of it cannot be settled'
  const settled = [{ volume: VOLUME, rid, outcome: 'went forward' }]
  const locked = [{ volume: VOLUME, journal: '/v/.staging', reason }]
  settling.end({ state: 'partial', reason, result: { settled, locked } })
  await expect
    .poll(() =>
      problems
        .list()
        .map(({ text }) => text)
        .join(),
    )
    .toContain(reason)
  expect(engine.locked()).toEqual([{ path: VOLUME, reason }])
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  const ends = memory.versions.filter((record) => record.rid === rid && isTerminal(record.state))
  expect(ends).toMatchObject([{ error: { code: 'DAEMON_RESTARTED', facts: { outcome: 'went forward' } } }])
})
