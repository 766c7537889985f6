import { registerEnumType } from 'type-graphql'

export const RecordState = {
  QUEUED: 'queued',
  RUNNING: 'running',
  SUCCESS: 'success',
  PARTIAL: 'partial',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  LOST: 'lost',
} as const
export type RecordState = (typeof RecordState)[keyof typeof RecordState]
registerEnumType(RecordState, {
  name: 'RecordState',
  description: 'Where a run stands. A terminal state never changes, except LOST.',
  valuesConfig: {
    QUEUED: { description: 'It waits for its turn.' },
    RUNNING: { description: 'It runs.' },
    SUCCESS: { description: 'It ended, and its result is proved complete.' },
    PARTIAL: {
      description: 'It ended, and something is missing or inexact; `reason` and `warnings` say what.',
    },
    FAILED: { description: 'It ended without a result.' },
    CANCELLED: { description: 'A user ended it.' },
    LOST: {
      description:
        'The controller does not know what became of it. A later report of the daemon replaces this.',
    },
  },
})

export const EventKind = { SNAPSHOT: 'SNAPSHOT', CHANGE: 'CHANGE' } as const
export type EventKind = (typeof EventKind)[keyof typeof EventKind]
registerEnumType(EventKind, {
  name: 'EventKind',
  description: 'Whether an event shows the present state or a change.',
})

export const LogLevel = { INFO: 'info', WARN: 'warn', ERROR: 'error' } as const
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel]
registerEnumType(LogLevel, { name: 'LogLevel', description: 'How serious a line of a log is.' })
