import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyNews } from '../../src/wire/apply-news.ts'
import {
  chooseListedHooks,
  hookRunSchema,
  type RecordState,
  type RunRecord,
  toLegacyRecord,
} from '../../src/wire/record.ts'

function record(seq: number, state: RecordState, more: Partial<RunRecord> = {}): RunRecord {
  return {
    rid: '179542348924c5167216092acf430c138063f89f27',
    seq,
    attempt: 1,
    server: '10.77.0.11',
    jobId: '',
    spec: '',
    action: 'backup',
    args: {},
    type: 'once',
    state,
    start: '2026-11-23T08:44:49.335Z',
    end: null,
    reason: '',
    error: null,
    warnings: [],
    warningCount: 0,
    result: null,
    progress: null,
    ...more,
  }
}

const life = [record(0, 'queued'), record(1, 'running'), record(2, 'running'), record(3, 'success')]

test('news in any order, twice, or late gives the same record', () => {
  const order = fc
    .shuffledSubarray([...life, ...life], { minLength: 4 })
    .filter((all) => all.includes(life[3]!))
  fc.assert(
    fc.property(order, (all) => {
      const known = all.reduce<RunRecord | undefined>(
        (kept, news) => applyNews(kept, news) ?? kept,
        undefined,
      )
      expect(known).toEqual(life[3])
    }),
  )
})

test('lost is replaced by a report of the daemon, and by nothing else', () => {
  const lost = record(1, 'lost')
  expect(applyNews(lost, record(0, 'queued'))).toBeUndefined()
  expect(applyNews(lost, record(3, 'success'))).toEqual(record(3, 'success'))
  expect(applyNews(lost, record(1, 'running'))).toEqual(record(1, 'running'))
  expect(applyNews(record(3, 'success'), record(4, 'lost'))).toBeUndefined()
})

test.each<[RecordState, string]>([
  ['queued', 'running'],
  ['running', 'running'],
  ['success', 'success'],
  ['partial', 'failed'],
  ['failed', 'failed'],
  ['cancelled', 'failed'],
  ['lost', 'failed'],
])('%s is sent as %s to a legacy controller', (state, legacy) => {
  const told = toLegacyRecord(record(1, state, { reason: 'why', result: { file: 'a.tar.gz', size: 342 } }))
  expect(told).toMatchObject({ state: legacy, reason: 'why', end: '0001-01-01T00:00:00Z' })
  expect(told.result).toEqual({ file: 'a.tar.gz', size: 342 })
})

test('what a hook wrote keeps its lines, and no other control character', () => {
  const run = { hook: 'pre_run', container: null, attempt: 1, failure: 'a\nb', exitCode: 1 }
  const read = hookRunSchema.parse({ ...run, stdout: 'one\r\n\ttwo\n\u001b[2J\rthree', stderr: '' })
  expect(read).toMatchObject({ failure: 'a b', stdout: 'one\n\ttwo\n\\x1b[2J three', stderr: '' })
})

test('of very many hooks those that failed are listed first', () => {
  const call = { hook: 'pre_run', container: 'c', exitCode: 0, stdout: '', stderr: '' }
  const runs = Array.from({ length: 150 }, (_, n) => ({ ...call, attempt: n, failure: n >= 140 ? 'no' : '' }))
  const listed = chooseListedHooks(runs).map(({ attempt }) => attempt)
  expect(listed).toEqual([...runs.keys()].slice(140).concat([...runs.keys()].slice(0, 90)))
  expect(chooseListedHooks(runs.slice(60))).toEqual(runs.slice(60))
})
