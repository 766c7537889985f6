import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DaemonSchedule } from '../../src/domain/daemon-schedule.ts'
import { NEVER } from '../../src/lib/clock.ts'
import type { Job } from '../../src/wire/job.ts'

const time = fc.oneof(
  fc.constant(NEVER),
  fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
    .map((date) => date.toISOString()),
  fc.integer({ min: 0, max: 4e9 }).map((s) => new Date(s * 1000).toISOString().replace('.000Z', 'Z')),
  fc.constantFrom('2026-12-01T00:00:00+08:00', '2026-12-01T00:00:00.123456789Z', '0000-01-01T00:00:00Z'),
)
const times = fc.record({ prev: time, next: time, sleep: fc.boolean() })
const id = fc.constantFrom('a', 'b', 'c', 'd', 'é', '0a4d000b-expire')

function makeJob(name: string): Job {
  return { id: name, spec: '@every 1h', action: 'backup', args: { app: name }, type: 'cron', sleep: false }
}

test('the schedule of a daemon has what a Map of whole jobs would have, with each time as it was written', () => {
  const list = fc.array(fc.record({ id, times }), { maxLength: 6 })
  const changes = fc.array(fc.record({ id, times }), { maxLength: 12 })
  fc.assert(
    fc.property(list, changes, (listed, news) => {
      const schedule = new DaemonSchedule(listed.map((each) => ({ ...each, job: makeJob(each.id) })))
      const model = new Map(listed.map((each) => [each.id, each.times]))
      for (const change of news) {
        schedule.setTimes(change.id, change.times)
        if (model.has(change.id)) model.set(change.id, change.times)
      }
      expect(schedule.size).toBe(model.size)
      const whole = [...model].map(([name, { prev, next, sleep }]) => ({
        prev,
        next,
        job: { ...makeJob(name), sleep },
      }))
      for (const one of whole) {
        expect(schedule.get(one.job.id)).toEqual(one)
        expect(schedule.isAsleep(one.job.id)).toBe(one.job.sleep)
      }
      expect([...schedule.values()].map(({ job }) => job.id)).toEqual([...model.keys()].sort())
      expect(schedule.has('nobody')).toBe(false)
    }),
  )
})
