import { randomUUID } from 'node:crypto'
import type { NotifySink } from '../../wire/settings.ts'
import type { Alarm } from '../alarms/alarm.ts'
import { type AlarmFinding, compareFindings } from '../alarms/alarm-rules.ts'
import { findQuietEnd, matchesSink } from './match-sink.ts'
import { isHeld, type Notification, type NotificationEvent } from './notification.ts'

/** What is worth telling of a change; undefined: nothing. */
export function findAlarmEvent(before: Alarm | undefined, after: Alarm): NotificationEvent | undefined {
  if (!before) return after.isInSummary ? undefined : 'RAISED'
  if (after.clearedAt !== null) return after.kind === 'SUMMARY' ? undefined : 'CLEARED'
  if (compareFindings(toFinding(after), toFinding(before)) < 0) return 'WORSE'
  return before.acknowledged && !after.acknowledged ? 'UNACKNOWLEDGED' : undefined
}

function toFinding({ kind, severity, count }: Alarm): AlarmFinding {
  return { kind, severity, size: count }
}

export interface NotifyChange {
  event: NotificationEvent
  alarm: Alarm
  sinks: readonly NotifySink[]
  /** Those about this alarm that wait. */
  waiting: readonly Notification[]
  /** Unix ms. */
  now: number
}

/** Who gets to know of a change. That an alarm was cleared is told to all who were told of it. */
export function makeNotifications({ event, alarm, sinks, waiting, now }: NotifyChange): Notification[] {
  return sinks.flatMap((sink) => {
    const isWanted = event === 'CLEARED' ? alarm.told.includes(sink.name) : matchesSink(sink, alarm)
    if (!isWanted) return []
    // Nobody needs to know of what came and went while it was quiet.
    const held = waiting.filter((each) => each.sink === sink.name && isHeld(each, now))
    if (event === 'CLEARED' && held.some((each) => each.event === 'RAISED'))
      return held.map((each) => ({ ...each, state: 'DROPPED', answer: 'Cleared during quiet hours' }))
    return [makeNotification(sink, { event, alarm, now })]
  })
}

/** @param alarm null for a test */
export function makeNotification(
  { name, quietHours }: NotifySink,
  { event, alarm, now }: { event: NotificationEvent; alarm: Alarm | null; now: number },
): Notification {
  const mayWait = quietHours && alarm && alarm.severity !== 'CRITICAL'
  return {
    ...{ id: randomUUID(), sink: name, event, createdAt: now },
    alarm: alarm && { ...alarm, apps: [], servers: [], told: [] },
    heldUntil: (mayWait ? findQuietEnd(quietHours, now) : undefined) ?? now,
    ...{ state: 'WAITING', attempts: 0, attemptedAt: null, answer: null },
  }
}
