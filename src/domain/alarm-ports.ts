// What alarms need from the catalog; ports.ts has the other ports.

import type { Alarm } from './alarms/alarm.ts'
import type { Notification } from './notify/notification.ts'

export type { Alarm } from './alarms/alarm.ts'

export interface AlarmStore {
  /** The open ones and the newest of the others, oldest first, and the number of the last change. */
  load(): Promise<{ alarms: Alarm[]; last: number; rules: string | null }>
  /** In one transaction; each change is an event. @param notifications new ones, or new versions of known ones */
  save(changes: readonly Alarm[], notifications: readonly Notification[]): Promise<void>
  /** Notes which rules the alarms of this catalog were made by. */
  saveRules(rules: string): Promise<void>
  /** Changes after `seq`, oldest first, at most `limit`. */
  eventsSince(seq: number, limit: number): Promise<Alarm[]>
  /** All changes numbered above `after` and up to `upTo` are stored. */
  keptEvents(): Promise<{ after: number; upTo: number }>
}
