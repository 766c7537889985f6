import { expect, test } from 'vitest'
import { findQuietEnd, matchesSink } from '../../../src/domain/notify/match-sink.ts'
import type { NotifySink } from '../../../src/wire/settings.ts'
import { makeStoredAlarm } from '../../support/stored-alarm.ts'

const EVERYTHING = { severity: null, kinds: null, apps: null }
const sinkFor = (match: Partial<NotifySink['match']>) =>
  ({ name: 'ops', match: { ...EVERYTHING, ...match } }) as NotifySink

test.each([
  [{}, true],
  [{ severity: 'critical' }, false],
  [{ severity: 'warning' }, true],
  [{ severity: 'info' }, true],
  [{ kinds: ['CORRUPT'] }, false],
  [{ kinds: ['CORRUPT', 'FAILING'] }, true],
  [{ apps: ['shop'] }, true],
  [{ apps: ['sh*'] }, true],
  [{ apps: ['*'] }, true],
  [{ apps: ['shop2', 'sho'] }, false],
  [{ severity: 'warning', kinds: ['FAILING'], apps: ['other'] }, false],
] as [Partial<NotifySink['match']>, boolean][])(
  'a sink for %j gets a warning about the app shop: %s',
  (match, isWanted) => {
    expect(matchesSink(sinkFor(match), makeStoredAlarm())).toBe(isWanted)
  },
)

test('a sink for apps gets nothing that is about no app', () => {
  expect(matchesSink(sinkFor({ apps: ['*'] }), makeStoredAlarm({ apps: [] }))).toBe(false)
  expect(matchesSink(sinkFor({}), makeStoredAlarm({ apps: [] }))).toBe(true)
})

const at = (time: string) => Date.parse(`2026-11-23T${time}Z`)
const minutes = (hour: number) => hour * 60

test.each([
  ['within a day', 9, 17, '08:59:59', undefined],
  ['within a day', 9, 17, '09:00:00', '2026-11-23T17:00:00.000Z'],
  ['within a day', 9, 17, '16:59:59', '2026-11-23T17:00:00.000Z'],
  ['within a day', 9, 17, '17:00:00', undefined],
  ['over midnight', 22, 6, '21:59:59', undefined],
  ['over midnight', 22, 6, '22:00:00', '2026-11-24T06:00:00.000Z'],
  ['over midnight', 22, 6, '00:00:00', '2026-11-23T06:00:00.000Z'],
  ['over midnight', 22, 6, '05:59:59', '2026-11-23T06:00:00.000Z'],
  ['over midnight', 22, 6, '06:00:00', undefined],
])('quiet hours %s, from %i to %i, end at %s: %s', (_how, from, to, now, end) => {
  const quiet = { from: minutes(from), to: minutes(to), zone: 'UTC' }
  const found = findQuietEnd(quiet, at(now))
  expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(end)
})

test('quiet hours follow the clock of their zone, also in the night that it is changed', () => {
  const quiet = { from: minutes(22), to: minutes(6), zone: 'Europe/Berlin' }
  const endOf = (now: string) => new Date(findQuietEnd(quiet, Date.parse(now)) ?? 0).toISOString()
  expect(endOf('2026-10-24T21:00:00Z')).toBe('2026-10-25T05:00:00.000Z')
  expect(endOf('2026-03-28T22:00:00Z')).toBe('2026-03-29T04:00:00.000Z')
})
