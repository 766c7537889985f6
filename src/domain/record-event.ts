import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import type { Scope } from './access/scope.ts'
import type { QueueRules } from './event-queue.ts'

/** `seq` counts over all records of this controller and continues after a restart. */
export interface RecordEvent {
  seq: number
  kind: 'SNAPSHOT' | 'CHANGE'
  record: RunRecord
}

export interface EventFilter {
  rid?: string | undefined
  app?: string | undefined
  /** What the listener may see; left out: everything. */
  scope?: Scope | undefined
}

export interface Listening extends EventFilter {
  /** Called once if the listener is too far behind. Its queue is closed then, and empty if this is given. */
  onBehind?: (() => void) | undefined
}

export function matchesEventFilter(record: RunRecord, filter: EventFilter): boolean {
  if (filter.rid !== undefined && record.rid !== filter.rid) return false
  if (filter.scope && !filter.scope.has(findApp(record))) return false
  return filter.app === undefined || findApp(record) === filter.app
}

export function makeQueueRules(listening: Listening): QueueRules<RecordEvent> {
  return {
    matches: ({ record }) => matchesEventFilter(record, listening),
    keyOf: ({ record }) => record.rid,
    onBehind: listening.onBehind,
  }
}
