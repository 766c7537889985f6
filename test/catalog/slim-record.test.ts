import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSlimRecord, printSlimRecord } from '../../src/catalog/slim-record.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { readRecordRow } from '../../src/wire/repair-record.ts'
import type { RunPhase } from '../../src/wire/run-phase.ts'
import { sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'

const args = {
  app: 'hello',
  archive: 'hello-hello.web.web-1-data-db',
  containers: ['c1'],
  instanceNo: 1,
  mode: 'full',
  path: sampleBackup().source,
  postRun: '',
  preRun: '',
  proc: 'hello.web.web',
  volume: '/data/db',
}

function ended(backup: Partial<BackupInfo> = {}, changes: Partial<RunRecord> = {}): RunRecord {
  const info = sampleBackup(backup)
  const result = { file: info.name, size: info.size, backup: info }
  return sampleRecord({ args, state: 'success', end: '2026-11-23T09:24:07Z', result, ...changes })
}

function readBack(record: RunRecord, isShared: boolean): RunRecord {
  const content = isShared ? { spec: record.spec, args: record.args } : undefined
  const json = printSlimRecord(record, record, content)
  return readRecordRow(record.rid, parseSlimRecord(JSON.parse(json), record, content))
}

const changedWhileRead = { count: 2, names: ['a', 'b'] }
const NONE = { count: 0, names: [] }
const phases: RunPhase[] = [
  { name: 'queue', start: '2026-11-23T08:44:50.000Z', end: '2026-11-23T08:44:52.500Z', bytes: 0 },
  { name: 'pack', start: '2026-11-23T08:44:52.500Z', end: '2026-11-23T08:44:59.123Z', bytes: 123 },
  { name: 'publish', start: '2026-11-23T08:45:00.000Z', end: null, bytes: 0 },
]
const id = 'ab'.repeat(32)
const created = '2026-11-23T09:24:06.799Z'
const series = { snapshots: 2, newest: id, oldestCreated: created, lastGood: { id, created } }
const increment = { mode: 'increment', sha256: null, hasIndex: false } as const

test.each<[string, RunRecord]>([
  ['of a queued run', sampleRecord({ state: 'queued' })],
  ['of an archive', ended()],
  ['of an archive whose backup repeats nothing', ended({ source: '/x', size: 1, rid: null, jobId: null })],
  ['with files that changed while read', ended({ changedWhileRead }, { result: { changedWhileRead } })],
  [
    'whose backup lacks the changed files that the result has',
    ended({}, { result: { changedWhileRead, backup: sampleBackup() } }),
  ],
  ['of a snapshot', ended({ ...increment, series }, {})],
  [
    'of a snapshot in a series',
    ended({}, { result: { snapshot: id, backup: sampleBackup({ ...increment, series }) } }),
  ],
  [
    'of a partial snapshot',
    ended({}, { result: { snapshot: id, backup: sampleBackup({ series: { ...series, lastGood: null } }) } }),
  ],
  ['with phases', sampleRecord({ phases })],
  ['with phases of a run that waited', sampleRecord({ phases, start: '2026-11-23T08:44:52.500Z' })],
  ['with no phases', sampleRecord({ phases: [] })],
  ['with phases that do not follow each other', sampleRecord({ phases: phases.toReversed() })],
  ['with phases of other clocks', sampleRecord({ phases: [{ ...phases[0]!, end: '2026-11-23T09:44:50Z' }] })],
  ['whose start is no time', sampleRecord({ start: '0001-01-01T00:00:00Z', phases })],
  ['with progress', sampleRecord({ progress: sampleProgress(5) })],
  [
    'of a failed one-off run',
    sampleRecord({
      jobId: '',
      type: 'once',
      attempt: 3,
      state: 'failed',
      error: { code: 'STORE_FULL', message: 'full', facts: { free: 0 } },
      warnings: ['w'],
      warningCount: 7,
      reason: 'full',
    }),
  ],
  ['whose result has a field with our mark', ended({}, { result: { '-': [1], backup: sampleBackup() } })],
  ['whose result has a field with a short name', ended({}, { result: { bz: 1, backup: sampleBackup() } })],
  [
    'of an archive with its last progress',
    ended({}, { progress: { ...sampleProgress(5), phase: 'publish' } }),
  ],
  ['of an archive named by its time', ended({ name: `${args.archive}-1795425846.tar.gz`, created })],
  ['with odd names', sampleRecord({ args: { '-': ['x'], odd: null }, result: { '-': [1], rid: 'x' } })],
])('a slim record %s reads as it was', (_, record) => {
  expect(readBack(record, true)).toEqual(record)
  expect(readBack(record, false)).toEqual(record)
})

test('any record reads as it was', () => {
  const value = fc.jsonValue({ maxDepth: 1 })
  const half = <T>(one: T, other: fc.Arbitrary<T>) => fc.oneof(fc.constant(one), other)
  const record = fc
    .record({
      args: fc.record({
        app: half<unknown>('hello', value),
        path: half<unknown>('/x', value),
        containers: value,
        mode: value,
      }),
      backup: fc.option(
        fc.record({
          name: half('a', fc.constantFrom('b', 'c')),
          source: half('/x', fc.constantFrom('/y', '/z')),
          verified: half<string | null>(null, fc.constant(created)),
          containers: fc.array(fc.constantFrom('c1', 'c2')),
          changedWhileRead: fc.option(fc.constantFrom(changedWhileRead, NONE), { nil: undefined }),
          series: half<typeof series | null>(null, fc.constant(series)),
        }),
      ),
      snapshot: fc.option(fc.constantFrom(id, 'cd'), { nil: undefined }),
      changed: fc.option(fc.constantFrom(changedWhileRead, NONE), { nil: undefined }),
    })
    .map(({ args, backup, snapshot, changed }) => {
      const result = {
        file: 'a',
        ...(changed && { changedWhileRead: changed }),
        ...(snapshot !== undefined && { snapshot }),
        ...(backup && { backup: sampleBackup(backup) }),
      }
      return sampleRecord({ args: args as RunRecord['args'], state: 'success', result })
    })
  fc.assert(
    fc.property(record, fc.boolean(), (one, isShared) => {
      expect(JSON.parse(JSON.stringify(readBack(one, isShared)))).toEqual(JSON.parse(JSON.stringify(one)))
    }),
  )
})

test('a record of an earlier version, complete in itself, is read', () => {
  const record = ended()
  const other = { ...record, jobId: 'other', state: 'failed' as const }
  expect(parseSlimRecord(record, other, { spec: 'x', args: {} })).toEqual(record)
})

test('what the job and the row say is not repeated', () => {
  const record = ended({ name: `${args.archive}-1795425846.tar.gz`, created, changedWhileRead: NONE })
  const json = printSlimRecord(record, record, { spec: record.spec, args })
  for (const text of [record.rid, record.jobId, record.spec, args.archive, args.path, 'containers'])
    expect(json).not.toContain(text)
  expect(json.length).toBeLessThan(270)
})

test('phases take little room', () => {
  const [start, turn, end] = [
    '2026-11-23T09:24:00.000Z',
    '2026-11-23T09:24:00.012Z',
    '2026-11-23T09:24:07.000Z',
  ]
  const both = [
    { name: 'start', start, end: turn, bytes: 0 },
    { name: 'pack', start: turn, end, bytes: 123456 },
  ]
  const sizeOf = (record: RunRecord) => printSlimRecord(record, record, undefined).length
  expect(sizeOf(ended({}, { start, phases: both })) - sizeOf(ended({}, { start }))).toBeLessThan(50)
})

test('a row with broken phases is read without them', () => {
  const record = sampleRecord()
  const row = (h: unknown) => readRecordRow(record.rid, parseSlimRecord({ h }, record, undefined)).phases
  expect(row([['pack', 'x', {}, []], ['pack', null, 5, 1e300], 7])).toEqual([])
  expect(row('pack')).toBeUndefined()
})
