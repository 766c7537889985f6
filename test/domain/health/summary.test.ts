import { expect, test } from 'vitest'
import { VOLUME_STATES, type VolumeState } from '../../../src/domain/health/states.ts'
import { summarize } from '../../../src/domain/health/summary.ts'

function sum(counts: Partial<Record<VolumeState, number>>, more = {}) {
  const all = new Map(VOLUME_STATES.map((state) => [state, counts[state] ?? 0]))
  return summarize({ counts: all, proven: 0, worst: null, controller: [], servers: [], ...more })
}

test('all is well in one sentence', () => {
  expect(sum({ OK: 42 }, { proven: 40 })).toBe(
    'All 42 volumes have a good backup within their schedule; 40 are proven restorable',
  )
  expect(sum({ OK: 1 }, { proven: 1 })).toBe(
    'The only volume has a good backup within its schedule; 1 is proven restorable',
  )
  expect(sum({ OK: 40, UNPROVEN: 2 }, { proven: 40 })).toBe(
    'Of 42 volumes, 2 lack a recent proof; 42 have a good backup within their schedule; 40 are proven restorable',
  )
  expect(sum({})).toBe('The inventory names no volume')
})

test('otherwise the worst things come first', () => {
  const more = {
    worst: '/data/db of shop.web.web, instance 1: The last full backup failed',
    controller: ['The inventory: line 3 is broken.'],
    servers: ['1 server is SILENT'],
  }
  expect(sum({ OK: 38, OVERDUE: 3, CORRUPT: 1 }, more)).toBe(
    'The inventory: line 3 is broken. Of 42 volumes, 1 has a corrupt newest backup, 3 are overdue; 38 have a good backup within their schedule; none is proven restorable yet. The worst: /data/db of shop.web.web, instance 1: The last full backup failed. 1 server is SILENT',
  )
  expect(sum({ PAUSED: 1 })).toBe(
    'Of 1 volume, 1 is paused; 0 have a good backup within their schedule; none is proven restorable yet',
  )
})
