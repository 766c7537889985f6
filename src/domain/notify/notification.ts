// src/domain/notify/ decides what is sent to whom, and when: match-sink.ts, make-notifications.ts and print-body.ts are pure,
// outbox.ts has what waits. ../send-notifications.ts sends it, and ../notifications.ts answers users.

import { CLOCK_TOLERANCE_MS } from '../../lib/trusted-time.ts'
import type { Alarm } from '../alarms/alarm.ts'

export const NOTIFICATION_EVENTS = ['RAISED', 'WORSE', 'UNACKNOWLEDGED', 'CLEARED', 'TEST'] as const
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number]

export const NOTIFICATION_STATES = ['WAITING', 'SENT', 'FAILED', 'DROPPED'] as const
export type NotificationState = (typeof NOTIFICATION_STATES)[number]

/** Something that is sent to a sink, once. Times are unix ms. */
export interface Notification {
  /** Receivers know by it what they have already. */
  id: string
  sink: string
  event: NotificationEvent
  /** As it was then, without the names of all that it is about; null for a test. */
  alarm: Alarm | null
  createdAt: number
  /** It is not sent before: quiet hours. */
  heldUntil: number
  state: NotificationState
  attempts: number
  /** Of the last attempt. */
  attemptedAt: number | null
  /** What the receiver answered last, or why it could not be reached. */
  answer: string | null
}

/**
 * Whether quiet hours hold it back now. A clock that was set back does not: then it would wait for as long as the clock was
 * ahead.
 */
export function isHeld({ heldUntil, createdAt }: Notification, now: number): boolean {
  return heldUntil > createdAt && heldUntil > now && now >= createdAt - CLOCK_TOLERANCE_MS
}
