import { expect, test } from 'vitest'
import { applyNews } from '../../src/wire/apply-news.ts'
import { MAX_WARNINGS, recordSchema } from '../../src/wire/record.ts'
import { readBackup } from '../../src/wire/repair-backup.ts'
import { readRecords } from '../../src/wire/repair-record.ts'
import { MAX_PHASES } from '../../src/wire/run-phase.ts'
import { sampleBackup, sampleRecord } from '../support/catalog-samples.ts'

test('a record keeps the first thousand warnings, and the count of all', () => {
  const warnings = Array.from({ length: MAX_WARNINGS + 500 }, (_, n) => `warning ${n}`)
  const record = recordSchema.parse(sampleRecord({ warnings, warningCount: 1500 }))
  expect([record.warnings.length, record.warnings.at(-1), record.warningCount]).toEqual([
    1000,
    'warning 999',
    1500,
  ])
})

const phase = { name: 'pack', start: '2026-11-23T08:44:50.000Z', end: null, bytes: 5 }

test('a record without phases, of an older daemon, is read as it is', () => {
  expect(recordSchema.parse(sampleRecord())).not.toHaveProperty('phases')
  expect(recordSchema.parse(sampleRecord({ phases: [phase] })).phases).toEqual([phase])
})

test('phases out of bounds are left out, and the rest of the record is read', () => {
  const bad = [
    { ...phase, bytes: -1 },
    { ...phase, bytes: 2 ** 60 },
    { ...phase, start: 'soon' },
    { ...phase, end: undefined },
    { ...phase, name: 'x'.repeat(101) },
    null,
  ]
  const flawed = { ...sampleRecord({ state: 'failed', reason: 'full' }), phases: [phase, ...bad, phase] }
  const { good, mended } = readRecords([flawed])
  expect(good[0]).toMatchObject({ state: 'failed', phases: [phase, phase] })
  expect(good[0]?.reason).toMatch(/^full \(not all of this record can be read: phases/)
  expect(mended).toHaveLength(1)
})

test('a record keeps at most 32 phases, whatever a daemon says', () => {
  const many = readRecords([{ ...sampleRecord(), phases: Array(100_000).fill(phase) }])
  expect(many.good[0]?.phases).toHaveLength(MAX_PHASES)
  expect(readRecords([{ ...sampleRecord(), phases: 'pack' }]).good[0]?.phases).toBeUndefined()
})

test('news of a run from another server changes nothing, however new it is', () => {
  const known = sampleRecord()
  const news = sampleRecord({ seq: 99, state: 'success', end: known.start })
  expect(applyNews(known, { ...news, server: '10.9.9.9' })).toBeUndefined()
  expect(applyNews(known, news)).toBe(news)
})

test('known damage keeps its reason even if the rest is unreadable', () => {
  const bad = { ...sampleBackup(), size: -1 }
  expect(readBackup({ ...bad, corrupt: 'a block is damaged' })?.corrupt).toBe('a block is damaged')
  expect(readBackup(bad)?.corrupt).toMatch(/^its description is not valid \(size: /)
  expect(readBackup({ ...bad, name: '../x' })).toBeUndefined()
})
