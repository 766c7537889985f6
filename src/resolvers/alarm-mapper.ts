import type { Alarm as DomainAlarm } from '../domain/alarms/alarm.ts'
import { adviseOn } from '../domain/alarms/alarm-rules.ts'
import type { Notification as DomainNotification } from '../domain/notify/notification.ts'
import { showAlarm } from '../domain/see-alarm.ts'
import type { UserWorld } from '../domain/user-world.ts'
import { isoTime } from '../lib/clock.ts'
import type { Alarm, AlarmTarget } from './types/alarm.ts'
import type { Notification } from './types/notification.ts'

/** What the caller may see of it. */
export function toAlarm(world: UserWorld, stored: DomainAlarm): Alarm {
  const { id, kind, severity, count, message, clearedAt, acknowledged, ...alarm } = showAlarm(world, stored)
  return {
    ...{ id, kind, severity, count, message },
    target: toTarget(alarm.target),
    since: isoTime(alarm.since),
    raisedAt: isoTime(alarm.raisedAt),
    clearedAt: clearedAt === null ? null : isoTime(clearedAt),
    action: adviseOn(kind),
    acknowledged: acknowledged && {
      ...acknowledged,
      at: isoTime(acknowledged.at),
      until: isoTime(acknowledged.until),
    },
  }
}

function toTarget({ type, server, volume }: DomainAlarm['target']): AlarmTarget {
  const place = {
    app: volume?.app ?? null,
    proc: volume?.proc ?? null,
    instanceNo: volume?.instanceNo ?? null,
    volume: volume?.name ?? null,
  }
  return { type, ...place, serverIp: server }
}

export function toNotification(world: UserWorld, one: DomainNotification): Notification {
  const { alarm, createdAt, heldUntil, attemptedAt, ...notification } = one
  return {
    ...notification,
    alarm: alarm && toAlarm(world, alarm),
    createdAt: isoTime(createdAt),
    heldUntil: heldUntil > createdAt ? isoTime(heldUntil) : null,
    attemptedAt: attemptedAt === null ? null : isoTime(attemptedAt),
  }
}
