import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Aged, FUTURE_TOLERANCE_MS, planRetention } from '../../src/store/retention.ts'
import { isGood } from '../../src/wire/backup.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-23T09:00:00Z')
const WEEK = { expireMs: 7 * DAY, nowMs: NOW }

/** A backup `days` old; the sequence follows the age unless told. */
function aged(days: number, change: Partial<Aged> = {}): Aged {
  const name = change.name ?? `${days}d`
  const created = new Date(NOW - days * DAY).toISOString()
  const rest = { state: 'success' as const, suspect: null, corrupt: null, holds: [], rid: 'rid' }
  return { name, created, sequence: 1000 - days, ...rest, ...change }
}
const partial = (days: number, change: Partial<Aged> = {}) => aged(days, { state: 'partial', ...change })
const suspect = (days: number) => partial(days, { suspect: 'the volume is empty' })
const corrupt = (days: number) => aged(days, { corrupt: 'sha256 differs' })

describe('retention', () => {
  const cases: [what: string, backups: Aged[], expired: string[]][] = [
    ['nothing of nothing', [], []],
    ['what is older than the limit', [aged(0), aged(6), aged(8), aged(9)], ['9d', '8d']],
    ['nothing exactly at the limit', [aged(0), aged(7)], []],
    ['never the only one', [aged(400)], []],
    ['nothing more once backups stop', [aged(100), aged(104), aged(108)], ['108d']],
    ['nothing by the age of a failed series', [suspect(0), partial(1), aged(100), aged(104)], []],
    ['never the newest partial', [aged(0), partial(20), partial(30)], ['30d']],
    ['partials beside a newer good one', [aged(0), partial(1), partial(20)], ['20d']],
    ['partials by the newest one if none is good', [partial(0), partial(6), partial(8)], ['8d']],
    ['a good one, never by a suspect one', [suspect(0), aged(50), aged(58)], ['58d']],
    ['corrupt ones, which save nothing', [corrupt(0), aged(1), aged(5), corrupt(20)], ['20d']],
    ['nothing if all are corrupt', [corrupt(1), corrupt(50)], []],
    ['no held one', [aged(0), aged(20, { holds: ['audit'] }), aged(30)], ['30d']],
    ['none whose manifest cannot be read', [aged(0), aged(20, { corrupt: 'its manifest', rid: null })], []],
    ['archives that were adopted', [aged(0), aged(20, { sequence: 0, rid: null })], ['20d']],
    [
      'adopted archives by their time, in whatever order they are listed',
      [9, 0, 30, 20].map((days) => aged(days, { sequence: 0, rid: null })),
      ['30d', '20d', '9d'],
    ],
    ['none with a time that is none', [aged(0), aged(20, { created: 'never' })], []],
  ]
  it.each(cases)('deletes %s', (_what, backups, expired) => {
    expect(planRetention(backups, WEEK)).toMatchObject({ expired, stopped: null })
    expect(planRetention(backups.toReversed(), WEEK)).toMatchObject({ expired, stopped: null })
  })

  it('names the backups that stay because only partial ones follow a good one', () => {
    const { expired, delayed } = planRetention(
      [partial(0), aged(5, { name: 'good' }), aged(9), aged(20)],
      WEEK,
    )
    expect(expired).toEqual(['20d'])
    expect(delayed).toBe(
      'no backup since "good" is good: 1 backup that is old enough stays until one is. Find out why the runs of this volume are partial',
    )
    expect(planRetention([aged(5), aged(9), aged(20)], WEEK).delayed).toBeNull()
    expect(planRetention([partial(0), aged(5)], WEEK).delayed).toBeNull()
  })

  it('follows the sequence if the clock was set back', () => {
    const beforeJump = aged(1, { sequence: 10, name: 'before' })
    const afterJump = aged(20, { sequence: 11, name: 'after' })
    const old = aged(25, { sequence: 9, name: 'old' })
    expect(planRetention([beforeJump, afterJump, old], WEEK).expired).toEqual([])
    expect(planRetention([beforeJump, afterJump, aged(28, { sequence: 8 })], WEEK).expired).toEqual(['28d'])
  })

  it('stops if a backup was made in the future, and says so', () => {
    const { expired, stopped } = planRetention([aged(-1, { name: 'tomorrow' }), aged(0), aged(50)], WEEK)
    expect(expired).toEqual([])
    expect(stopped).toBe(
      '"tomorrow" was made in the future (2026-11-24T09:00:00.000Z; the clock says 2026-11-23T09:00:00.000Z): ' +
        'nothing of this volume expires until the clock is past it. Check the clock, or delete that backup',
    )
    const slightly = aged(-FUTURE_TOLERANCE_MS / DAY, { sequence: 2000 })
    expect(planRetention([slightly, aged(50)], WEEK)).toMatchObject({ expired: ['50d'], stopped: null })
  })

  describe('and backups made while the clock was in doubt', () => {
    const doubted = (days: number, trustedDays: number, change: Partial<Aged> = {}) =>
      aged(days, {
        clockDoubt: { trusted: new Date(NOW - trustedDays * DAY).toISOString() },
        sequence: 1000 - trustedDays,
        ...change,
      })

    it('does not treat one as from the future', () => {
      const plan = planRetention([doubted(-60, 1), aged(0), aged(50)], WEEK)
      expect(plan).toMatchObject({ expired: ['50d'], stopped: null })
    })

    it('measures no other age against one', () => {
      expect(planRetention([doubted(0, 0), aged(50), aged(55), aged(58)], WEEK).expired).toEqual(['58d'])
      expect(planRetention([doubted(0, 0), doubted(30, 30)], WEEK).expired).toEqual([])
    })

    it('keeps the newest good one although it is in doubt, and the newest good one that is not', () => {
      expect(planRetention([doubted(9000, 9), aged(10), aged(20)], WEEK).expired).toEqual(['20d'])
    })

    it('ages one by the later of its two times', () => {
      expect(planRetention([aged(0), doubted(9000, 6), doubted(9001, 8)], WEEK).expired).toEqual(['9001d'])
      expect(planRetention([aged(0), doubted(6, 9000), doubted(8, 9001)], WEEK).expired).toEqual(['8d'])
    })
  })

  const anyBackup = fc.record({
    days: fc.integer({ min: 0, max: 60 }),
    sequence: fc.integer({ min: 0, max: 50 }),
    state: fc.constantFrom('success' as const, 'partial' as const),
    suspect: fc.constantFrom(null, null, 'empty'),
    corrupt: fc.constantFrom(null, null, 'differs'),
    holds: fc.constantFrom<string[][]>([], [], ['audit']),
    rid: fc.constantFrom('rid', null),
  })
  const anyVolume = fc
    .uniqueArray(anyBackup, { selector: ({ sequence }) => sequence, maxLength: 30 })
    .map((list) => list.map(({ days, ...rest }) => aged(days, { ...rest, name: `${rest.sequence}` })))

  it('always keeps the newest good one, the newest partial, and held ones', () => {
    fc.assert(
      fc.property(anyVolume, fc.integer({ min: 1, max: 40 }), (backups, expireDays) => {
        const gone = new Set(planRetention(backups, { expireMs: expireDays * DAY, nowMs: NOW }).expired)
        const newest = (list: Aged[]) => list.toSorted((a, b) => b.sequence - a.sequence)[0]?.name ?? 'none'
        expect(gone).not.toContain(newest(backups.filter(isGood)))
        expect(gone).not.toContain(newest(backups.filter((b) => b.corrupt === null && !isGood(b))))
        for (const backup of backups) if (backup.holds.length > 0) expect(gone).not.toContain(backup.name)
      }),
    )
  })

  it('deletes nothing younger than the limit, and nothing more a second time', () => {
    fc.assert(
      fc.property(anyVolume, fc.integer({ min: 1, max: 40 }), (backups, expireDays) => {
        const rule = { expireMs: expireDays * DAY, nowMs: NOW }
        const gone = new Set(planRetention(backups, rule).expired)
        const taken = backups.filter(({ name }) => gone.has(name))
        for (const { created } of taken) expect(NOW - Date.parse(created)).toBeGreaterThan(rule.expireMs)
        const left = backups.filter(({ name }) => !gone.has(name))
        expect(planRetention(left, rule).expired).toEqual([])
      }),
    )
  })
})
