import { registerEnumType } from 'type-graphql'

export const BackupMode = { FULL: 'full', INCREMENT: 'increment' } as const
export type BackupMode = (typeof BackupMode)[keyof typeof BackupMode]
registerEnumType(BackupMode, {
  name: 'BackupMode',
  description: 'FULL: one archive each time. INCREMENT: a series of snapshots under one name.',
})

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

export const InUse = { REFUSE: 'refuse', PROCEED: 'proceed' } as const
export type InUse = (typeof InUse)[keyof typeof InUse]
registerEnumType(InUse, {
  name: 'InUse',
  description:
    'What to do if processes use the volume. PROCEED: recover anyway, with a warning that names them.',
})

export const OnRefusedRename = { REFUSE: 'refuse', IN_PLACE: 'in-place' } as const
export type OnRefusedRename = (typeof OnRefusedRename)[keyof typeof OnRefusedRename]
registerEnumType(OnRefusedRename, {
  name: 'OnRefusedRename',
  description:
    'What to do if the file system refuses to swap the content by renames. IN_PLACE: remove the old content and copy the new; this cannot be undone after it has begun.',
})

export const SchedulerStatus = { STARTED: 'started', STOPPED: 'stopped' } as const
export type SchedulerStatus = (typeof SchedulerStatus)[keyof typeof SchedulerStatus]
registerEnumType(SchedulerStatus, {
  name: 'SchedulerStatus',
  description: 'Whether a daemon starts jobs on its own.',
})

export const FileChangeKind = {
  ADDED: 'added',
  REMOVED: 'removed',
  CONTENT: 'content',
  METADATA: 'metadata',
  TYPE: 'type',
} as const
export type FileChangeKind = (typeof FileChangeKind)[keyof typeof FileChangeKind]
registerEnumType(FileChangeKind, {
  name: 'FileChangeKind',
  description: 'How a path differs between two snapshots.',
  valuesConfig: {
    ADDED: { description: 'Only the later snapshot has it.' },
    REMOVED: { description: 'Only the earlier snapshot has it.' },
    CONTENT: { description: 'Its bytes differ.' },
    METADATA: { description: 'Only its owner, mode, times or extended attributes differ.' },
    TYPE: { description: 'Its type differs: a directory was a file before, for example.' },
  },
})

export const RecoverAction = { CREATE: 'create', OVERWRITE: 'overwrite', DELETE: 'delete' } as const
export type RecoverAction = (typeof RecoverAction)[keyof typeof RecoverAction]
registerEnumType(RecoverAction, {
  name: 'RecoverAction',
  description: 'What a recover would do with a path.',
})

export const FileType = {
  FILE: 'file',
  DIRECTORY: 'directory',
  SYMLINK: 'symlink',
  HARDLINK: 'hardlink',
  FIFO: 'fifo',
  CHARDEV: 'chardev',
  BLOCKDEV: 'blockdev',
} as const
export type FileType = (typeof FileType)[keyof typeof FileType]
registerEnumType(FileType, { name: 'FileType', description: 'What kind of entry a path is.' })
