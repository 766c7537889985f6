import { expect, test } from 'vitest'
import { findAlarmEvent, makeNotifications } from '../../../src/domain/notify/make-notifications.ts'
import type { NotifySink } from '../../../src/wire/settings.ts'
import { makeStoredAlarm } from '../../support/stored-alarm.ts'
import { makeStoredNotification } from '../../support/stored-notification.ts'

const NOW = Date.parse('2026-11-23T23:00:00Z')
const QUIET_END = Date.parse('2026-11-24T06:00:00Z')
const quietHours = { from: 22 * 60, to: 6 * 60, zone: 'UTC' }
const sinkOf = (name: string, changes: Partial<NotifySink> = {}) =>
  ({ name, match: { severity: null, kinds: null, apps: null }, quietHours: null, ...changes }) as NotifySink
const acknowledged = { by: 'operator', at: 0, until: 1, why: 'known' }

test.each([
  ['raised', undefined, {}, 'RAISED'],
  ['told in the summary', undefined, { isInSummary: true }, undefined],
  ['cleared', {}, { clearedAt: 5 }, 'CLEARED'],
  ['the summary, cleared', { kind: 'SUMMARY' }, { kind: 'SUMMARY', clearedAt: 5 }, undefined],
  ['worse', {}, { severity: 'CRITICAL' }, 'WORSE'],
  ['about twice as many', { count: 5 }, { count: 10 }, 'WORSE'],
  ['about a few more', { count: 5 }, { count: 9 }, undefined],
  ['milder', { severity: 'CRITICAL' }, {}, undefined],
  ['not acknowledged any more', { acknowledged }, {}, 'UNACKNOWLEDGED'],
  ['acknowledged', {}, { acknowledged }, undefined],
] as const)('of an alarm that is %s is told: %#', (_how, before, after, event) => {
  const known = before && makeStoredAlarm(before)
  expect(findAlarmEvent(known, makeStoredAlarm(after))).toBe(event)
})

test('that an alarm was cleared is told to those who were told of it, whatever their settings are now', () => {
  const sinks = [sinkOf('told', { match: { severity: 'critical', kinds: null, apps: null } }), sinkOf('new')]
  const alarm = makeStoredAlarm({ told: ['told'], clearedAt: NOW })
  const made = makeNotifications({ event: 'CLEARED', alarm, sinks, waiting: [], now: NOW })
  expect(made).toMatchObject([{ sink: 'told', event: 'CLEARED', state: 'WAITING', heldUntil: NOW }])
})

test('quiet hours hold back all but what is critical', () => {
  const sinks = [sinkOf('night', { quietHours }), sinkOf('day')]
  const make = (severity: 'WARNING' | 'CRITICAL') =>
    makeNotifications({ event: 'RAISED', alarm: makeStoredAlarm({ severity }), sinks, waiting: [], now: NOW })
  expect(make('WARNING').map(({ heldUntil }) => heldUntil)).toEqual([QUIET_END, NOW])
  expect(make('CRITICAL').map(({ heldUntil }) => heldUntil)).toEqual([NOW, NOW])
})

test.each([
  ['came and went while it was quiet', { sink: 'night', heldUntil: QUIET_END }, 'DROPPED'],
  ['is told to another sink only', { sink: 'day', heldUntil: QUIET_END }, 'WAITING'],
  ['waits for another reason', { sink: 'night', heldUntil: NOW }, 'WAITING'],
  ['is held, but was told before', { sink: 'night', heldUntil: QUIET_END, event: 'WORSE' }, 'WAITING'],
] as const)('of what %s, the receiver gets no half: %s', (_how, held, state) => {
  const alarm = makeStoredAlarm({ told: ['night'], clearedAt: NOW })
  const sinks = [sinkOf('night', { quietHours })]
  const waiting = [makeStoredNotification(held)]
  const made = makeNotifications({ event: 'CLEARED', alarm, sinks, waiting, now: NOW })
  expect(made).toMatchObject([{ sink: 'night', state }])
})
