import { expect, test } from 'vitest'
import {
  chooseDue,
  type ProvableBackup,
} from '../../../../src/engine/plugins/backup_verify_due/choose-due.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-11-23T01:00:00Z')
const GIB = 1024 ** 3

/** An archive of /srv/a that was made some days ago. */
function archive(name: string, more: Partial<ProvableBackup> & { age?: number; proven?: number } = {}) {
  const { age = 1, proven, ...rest } = more
  const at = { createdMs: NOW - age * DAY_MS, provenMs: proven === undefined ? null : NOW - proven * DAY_MS }
  const place = { app: 'shop', proc: 'shop.web.web', namespace: '10.0.0.1', source: '/srv/a' }
  return { ...place, name, mode: 'full', size: GIB, isSeries: false, withinDays: 30, ...at, ...rest } as const
}

function choose(
  backups: ProvableBackup[],
  more: { budgetBytes?: number | null; leftBytes?: number; tried?: string[] } = {},
) {
  return chooseDue(backups, { budgetBytes: 50 * GIB, leftBytes: null, tried: [], now: NOW, ...more })
}

function namesOf({ next }: ReturnType<typeof choose>): string[] {
  return next.map(({ backup }) => backup)
}

test('the volume with the oldest proof comes first, and each has a turn before one has a second', () => {
  const b = { source: '/srv/b' }
  const plan = choose([
    ...[archive('a-new'), archive('a-old', { proven: 20 })],
    ...[archive('b-new', b), archive('b-older', { ...b, age: 2 }), archive('b-old', { ...b, proven: 25 })],
    archive('c-never', { source: '/srv/c' }),
  ])
  expect(namesOf(plan)).toEqual(['c-never', 'b-new', 'a-new', 'b-older', 'a-old', 'b-old'])
})

test('a proof is renewed after half of within, and one from the future does not count', () => {
  const plan = choose([
    archive('young', { proven: 14 }),
    archive('old', { proven: 16 }),
    archive('week', { proven: 4, withinDays: 7 }),
    archive('future', { proven: -400 }),
  ])
  expect(namesOf(plan).sort()).toEqual(['future', 'old', 'week'])
})

test('backups that were tried, and archives larger than the whole budget, are left out', () => {
  const series = archive('series', { mode: 'increment', isSeries: true, size: 9 * GIB })
  const plan = choose([archive('large', { size: 8 * GIB }), archive('tried'), archive('other'), series], {
    budgetBytes: 5 * GIB,
    tried: ['tried'],
  })
  expect(plan.next.map(({ backup, bytes }) => [backup, bytes])).toEqual([
    ['other', GIB],
    ['series', null],
  ])
  expect(plan.demand).toMatchObject({ bytes: 19 * GIB, budgetBytes: 5 * GIB, tooLarge: 1 })
})

test('without a budget nothing is read, and the demand is known all the same', () => {
  const plan = choose([archive('a', { size: 30 * GIB }), archive('b', { size: 7 * GIB, withinDays: 7 })], {
    budgetBytes: null,
  })
  expect(plan).toEqual({
    next: [],
    hasMore: false,
    demand: {
      ...{ bytes: 37 * GIB, nightlyBytes: 2 * GIB, shortestDays: 7, longestDays: 30 },
      ...{ budgetBytes: null, tooLarge: 0 },
    },
  })
})

test('a long list is cut, and says that there is more', () => {
  const plan = choose(Array.from({ length: 501 }, (_, at) => archive(`a${at}`)))
  expect([plan.next.length, plan.hasMore]).toEqual([500, true])
})

test('archives that do not fit into the rest of the night wait for another one', () => {
  const backups = [archive('one'), archive('two', { source: '/srv/b', size: 3 * GIB })]
  expect(namesOf(choose(backups, { leftBytes: 2 * GIB }))).toEqual(['one'])
  expect(choose(backups, { leftBytes: 2 * GIB }).demand.tooLarge).toBe(0)
})
