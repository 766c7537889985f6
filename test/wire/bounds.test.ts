import { expect, test } from 'vitest'
import { applyNews } from '../../src/wire/apply-news.ts'
import { MAX_WARNINGS, recordSchema } from '../../src/wire/record.ts'
import { readBackup } from '../../src/wire/repair-backup.ts'
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
