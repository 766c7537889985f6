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
  description:
    'SUCCESS is proved. A state that has ended never changes, but for LOST, which gives way to the daemon.',
})

export const EventKind = { SNAPSHOT: 'SNAPSHOT', CHANGE: 'CHANGE' } as const
export type EventKind = (typeof EventKind)[keyof typeof EventKind]
registerEnumType(EventKind, { name: 'EventKind' })

export const InUse = { REFUSE: 'refuse', PROCEED: 'proceed' } as const
export type InUse = (typeof InUse)[keyof typeof InUse]
registerEnumType(InUse, { name: 'InUse', description: 'What to do where processes hold the volume open.' })

export const OnRefusedRename = { REFUSE: 'refuse', IN_PLACE: 'in-place' } as const
export type OnRefusedRename = (typeof OnRefusedRename)[keyof typeof OnRefusedRename]
registerEnumType(OnRefusedRename, {
  name: 'OnRefusedRename',
  description:
    'What to do if the file system refuses to rename what is in the volume. IN_PLACE: remove the old content and copy the new, which cannot be undone once it has begun.',
})

export const SchedulerStatus = { STARTED: 'started', STOPPED: 'stopped' } as const
export type SchedulerStatus = (typeof SchedulerStatus)[keyof typeof SchedulerStatus]
registerEnumType(SchedulerStatus, { name: 'SchedulerStatus' })

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
  description: 'TYPE: it is something else now, such as a directory that was a file.',
})

export const RecoverAction = { CREATE: 'create', OVERWRITE: 'overwrite', DELETE: 'delete' } as const
export type RecoverAction = (typeof RecoverAction)[keyof typeof RecoverAction]
registerEnumType(RecoverAction, { name: 'RecoverAction' })

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
registerEnumType(FileType, { name: 'FileType' })
