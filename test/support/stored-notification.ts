import type { Notification } from '../../src/domain/notify/notification.ts'
import { makeStoredAlarm } from './stored-alarm.ts'

/** A notification that waits, as the catalog has it. */
export function makeStoredNotification(changes: Partial<Notification> = {}): Notification {
  return {
    ...{ id: 'n1', sink: 'ops', event: 'RAISED', alarm: makeStoredAlarm(), createdAt: 0, heldUntil: 0 },
    ...{ state: 'WAITING', attempts: 0, attemptedAt: null, answer: null },
    ...changes,
  }
}
