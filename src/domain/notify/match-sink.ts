import { findInstant, offsetAt } from '../../lib/schedule/zone.ts'
import { DAY_MS, MINUTE_MS } from '../../lib/time-units.ts'
import { type NotifySink, type QuietHours, SINK_SEVERITIES } from '../../wire/settings.ts'
import { matchesAppPattern } from '../access/scope.ts'
import type { Alarm } from '../alarms/alarm.ts'
import { rankSeverity } from '../alarms/alarm-rules.ts'

/** Whether a sink wants to know of an alarm. A sink for apps gets those about volumes of these apps only. */
export function matchesSink({ match: { severity, kinds, apps } }: NotifySink, alarm: Alarm): boolean {
  if (severity !== null && rankSeverity(alarm.severity) > SINK_SEVERITIES.indexOf(severity)) return false
  if (kinds !== null && !kinds.includes(alarm.kind)) return false
  if (apps === null) return true
  return alarm.apps.some((app) => apps.some((pattern) => pattern === '*' || matchesAppPattern(pattern, app)))
}

/** When the quiet hours end that it is now, unix ms; undefined if it is not quiet. */
export function findQuietEnd({ from, to, zone }: QuietHours, now: number): number | undefined {
  const wall = now + offsetAt(zone, now)
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS
  const minute = Math.floor((wall - midnight) / MINUTE_MS)
  const isOverMidnight = from > to
  const isQuiet = isOverMidnight ? minute >= from || minute < to : minute >= from && minute < to
  if (!isQuiet) return undefined
  const endsTomorrow = isOverMidnight && minute >= from
  return findInstant(zone, midnight + (endsTomorrow ? DAY_MS : 0) + to * MINUTE_MS)
}
