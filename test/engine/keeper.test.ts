import { expect, test } from 'vitest'
import { createKeeper } from '../../src/engine/keeper.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { sampleRun } from '../support/daemon-kit.ts'

test('a failed write is reported to its caller, and the next one is written', async () => {
  const written: string[][] = []
  let broken: Error | undefined = new Error('the disk is full')
  const keep = createKeeper({
    async keep(records: RunRecord[]) {
      await new Promise(setImmediate)
      if (broken) throw broken
      written.push(records.map(({ state }) => state))
    },
  })
  const run = sampleRun()
  const failed = await Promise.allSettled([keep(run.at('queued')), keep(run.at('running'))])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  broken = undefined
  await keep(run.at('failed'))
  expect(written).toEqual([['failed']])
})

test('changes during a write wait and are written together, in order', async () => {
  const written: number[][] = []
  const gate = Promise.withResolvers<void>()
  const keep = createKeeper({
    async keep(records: RunRecord[]) {
      if (written.push(records.map(({ seq }) => seq)) === 1) await gate.promise
    },
  })
  const run = sampleRun()
  const first = keep(run.at('queued'))
  await new Promise(setImmediate)
  const later = [keep(run.at('running')), keep(run.at('running')), keep(run.at('success'))]
  await new Promise(setImmediate)
  expect(written).toEqual([[1]])
  gate.resolve()
  await Promise.all([first, ...later])
  expect(written).toEqual([[1], [2, 3, 4]])
})
