import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../../support/catalog-samples.ts'
import { closing, type MakePlace, openEmpty } from './place.ts'

/** How a catalog numbers changes, keeps them and lets them go. */
export function eventDemands(makePlace: MakePlace): void {
  describe('events', () => {
    test('give changes of state after a number, with the record at that time', async () => {
      const { records } = await openEmpty(makePlace)
      const other = sampleRecord({ rid: ridOf(2), args: { app: 'other' } })
      const queued = sampleRecord({ seq: 1, state: 'queued' })
      const running = sampleRecord({ seq: 2 })
      const ended = sampleRecord({ seq: 9, state: 'failed' })
      const told = await records.apply([queued, running, other, sampleRecord({ seq: 3 }), ended])
      const changes = told.filter(({ record }) => record.seq !== 3)
      const start = (told[0]?.eventSeq ?? 0) - 1
      expect(await records.eventsSince(start, {}, 10)).toEqual(changes)
      expect(await records.eventsSince(start, { rid: queued.rid }, 2)).toEqual(changes.slice(0, 2))
      expect(await records.eventsSince(start, { app: 'other' }, 10)).toEqual([changes[2]])
      expect(await records.eventsSince(changes.at(-1)?.eventSeq ?? 0, {}, 10)).toEqual([])
    })

    test('are kept across restarts and pruning, and the catalog says which', async () => {
      const clock = { ...systemClock, ms: Date.parse('2026-01-01T00:00:00Z'), now: () => clock.ms }
      const place = await makePlace()
      const catalog = await place.open(clock)
      const { records } = catalog
      expect(await records.keptEvents()).toEqual({ after: 0, upTo: 0 })
      await records.apply([sampleRecord()])
      clock.ms += 8 * 86_400_000
      const many = Array.from({ length: 1100 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) }))
      const newer = await records.apply(many)
      await records.apply([sampleRecord({ rid: ridOf(9000) })])
      const first = newer[0]?.eventSeq ?? 0
      await expect.poll(records.keptEvents).toEqual({ after: first - 1, upTo: first + 1100 })
      await catalog.close()
      await using after = closing(await place.open(clock))
      expect(await after.catalog.records.keptEvents()).toMatchObject({ after: first - 1 })
    })

    test('have numbers that continue after restarts and are never used twice', async () => {
      const place = await makePlace()
      let last = 0
      for (let start = 0; start < 3; start++) {
        await using opened = closing(await place.open())
        const { records } = opened.catalog
        const given = Array.from({ length: 12_000 }, () => records.nextEventSeq())
        expect(given[0]).toBe(last + 1)
        expect(new Set(given).size).toBe(given.length)
        last = given.at(-1) ?? 0
      }
    })

    test('are pruned when they are old, and the record stays', async () => {
      const clock = { ...systemClock, ms: Date.parse('2026-01-01T00:00:00Z'), now: () => clock.ms }
      const catalog = await openEmpty(makePlace, clock)
      const kept = await catalog.records.apply([sampleRecord()])
      clock.ms += 8 * 86_400_000
      const many = Array.from({ length: 1100 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) }))
      const newer = await catalog.records.apply(many)
      await catalog.records.apply([sampleRecord({ rid: ridOf(9000) })])
      await catalog.servers.save({
        ip: '10.0.0.1',
        daemonId: null,
        lastSeen: null,
        leaving: false,
        timeZone: null,
      })
      await expect
        .poll(async () => (await catalog.records.eventsSince(0, {}, 1))[0]?.eventSeq)
        .toBe(newer[0]?.eventSeq)
      expect(await catalog.records.get(ridOf(1))).toEqual(kept[0])
    })
  })
}
