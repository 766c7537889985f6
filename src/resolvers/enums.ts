import { registerEnumType } from 'type-graphql'
import type { AccessAction as DomainAction } from '../domain/access/roles.ts'
import type {
  AlarmTarget,
  AlarmKind as DomainAlarmKind,
  AlarmSeverity as DomainSeverity,
} from '../domain/alarms/alarm.ts'
import type { ControllerHealthState as ControllerState } from '../domain/health/controller-rules.ts'
import type { ServerHealthState as ServerState } from '../domain/health/server-rules.ts'
import type { VolumeState } from '../domain/health/states.ts'
import type {
  NotificationEvent as DomainNotificationEvent,
  NotificationState as DomainNotificationState,
} from '../domain/notify/notification.ts'
import type { BucketLength, PlannedBy } from '../domain/planned-runs.ts'

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

export const AccessRole = {
  VIEWER: 'viewer',
  OPERATOR: 'operator',
  RESTORER: 'restorer',
  ADMIN: 'admin',
} as const
export type AccessRole = (typeof AccessRole)[keyof typeof AccessRole]
registerEnumType(AccessRole, {
  name: 'AccessRole',
  description: 'What a caller may do. Each role may also see.',
  valuesConfig: {
    VIEWER: { description: 'See.' },
    OPERATOR: { description: 'Run, sleep, wake, cancel and verify; acknowledge alarms and unusual backups.' },
    RESTORER: { description: 'Recover and migrate.' },
    ADMIN: { description: 'Everything: also delete, schedulers, clocks, the catalog and access.' },
  },
})

/** Every action of the domain has its name here in capitals; a test compares. */
export const AccessAction = {
  VIEW: 'view',
  RUN: 'run',
  SLEEP: 'sleep',
  WAKE: 'wake',
  CANCEL: 'cancel',
  VERIFY: 'verify',
  ACKNOWLEDGE: 'acknowledge',
  NOTIFY: 'notify',
  RECOVER: 'recover',
  MIGRATE: 'migrate',
  DELETE: 'delete',
  SCHEDULER: 'scheduler',
  CLOCK: 'clock',
  CATALOG: 'catalog',
  AUDIT: 'audit',
  ACCESS: 'access',
} as const satisfies Record<string, DomainAction>
export type AccessAction = (typeof AccessAction)[keyof typeof AccessAction]
registerEnumType(AccessAction, { name: 'AccessAction', description: 'What a caller may want to do.' })

export const CallerKind = { ANONYMOUS: 'anonymous', TOKEN: 'token', PROCESS: 'process' } as const
export type CallerKind = (typeof CallerKind)[keyof typeof CallerKind]
registerEnumType(CallerKind, {
  name: 'CallerKind',
  description: 'How it was found out who asks.',
  valuesConfig: {
    ANONYMOUS: { description: 'It was not: the request had no credentials.' },
    TOKEN: { description: 'By a token.' },
    PROCESS: { description: 'The controller asks itself.' },
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

export const VerifyMethod = { HASH: 'hash', STRUCTURE: 'structure', READ: 'read' } as const
export type VerifyMethod = (typeof VerifyMethod)[keyof typeof VerifyMethod]
registerEnumType(VerifyMethod, {
  name: 'VerifyMethod',
  description: 'What a verification compares a backup with. Only HASH is a proof.',
  valuesConfig: {
    HASH: { description: 'The checksums that were taken when it was made.' },
    STRUCTURE: { description: 'Only the checksums of its format: an archive of the legacy system.' },
    READ: { description: 'Nothing: every file of a mirror of the legacy system was read.' },
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

export const VolumeHealthState = {
  CORRUPT: 'CORRUPT',
  NEVER: 'NEVER',
  OVERDUE: 'OVERDUE',
  FAILING: 'FAILING',
  SUSPECT: 'SUSPECT',
  PARTIAL: 'PARTIAL',
  UNUSUAL: 'UNUSUAL',
  UNPROVEN: 'UNPROVEN',
  PAUSED: 'PAUSED',
  UNKNOWN: 'UNKNOWN',
  OK: 'OK',
} as const satisfies { [State in VolumeState]: State }
export type VolumeHealthState = VolumeState
registerEnumType(VolumeHealthState, {
  name: 'VolumeHealthState',
  description: 'How the backups of a volume are, worst first.',
  valuesConfig: {
    CORRUPT: { description: 'The newest backup is known to be damaged.' },
    NEVER: { description: 'No good backup exists, although the first planned time has passed.' },
    OVERDUE: { description: 'A planned time and the grace after it passed, and no run ended.' },
    FAILING: { description: 'The last run ended without a backup: it failed, was cancelled, or was lost.' },
    SUSPECT: {
      description: 'The newest backup is of an empty or unmounted volume, which it was not before.',
    },
    PARTIAL: { description: 'Something is missing in the newest backup.' },
    UNUSUAL: {
      description:
        'A run differed far from those before it, and nobody has acknowledged that; what was good before is kept.',
    },
    UNPROVEN: {
      description: 'No good backup has a proof that is younger than the `within` of the volume.',
    },
    PAUSED: { description: 'Its job sleeps, or the scheduler of its server is stopped.' },
    UNKNOWN: { description: 'The first backup is not due yet, or the controller has just started.' },
    OK: { description: 'The newest backup is good, and no run is late.' },
  },
})

export const ServerHealthState = {
  SILENT: 'SILENT',
  STORE_UNAVAILABLE: 'STORE_UNAVAILABLE',
  STORE_FULL: 'STORE_FULL',
  DISK_FULL: 'DISK_FULL',
  CLOCK_OFF: 'CLOCK_OFF',
  VERIFY_BEHIND: 'VERIFY_BEHIND',
  OLD_VERSION: 'OLD_VERSION',
  UNKNOWN: 'UNKNOWN',
  OK: 'OK',
} as const satisfies { [State in ServerState]: State }
export type ServerHealthState = ServerState
registerEnumType(ServerHealthState, {
  name: 'ServerHealthState',
  description: 'How a server is, worst first.',
  valuesConfig: {
    SILENT: { description: 'Its daemon does not answer.' },
    STORE_UNAVAILABLE: { description: 'Its store cannot be used.' },
    STORE_FULL: { description: 'Its store is full, or will be within 14 days at its own growth.' },
    DISK_FULL: { description: 'The disk of the daemon is full, so that no backup starts.' },
    CLOCK_OFF: {
      description: 'Its clock is in doubt, or more than five minutes from that of the controller.',
    },
    VERIFY_BEHIND: { description: 'The budget of its verify job is too small to keep all backups proven.' },
    OLD_VERSION: { description: 'Its daemon is older than the controller, or of the legacy system.' },
    UNKNOWN: { description: 'Its daemon has not been asked since the controller started.' },
    OK: { description: 'None of these.' },
  },
})

export const ControllerHealthState = {
  CATALOG_BROKEN: 'CATALOG_BROKEN',
  CATALOG_DISK: 'CATALOG_DISK',
  INVENTORY_BROKEN: 'INVENTORY_BROKEN',
  INVENTORY_HELD: 'INVENTORY_HELD',
  INVENTORY_INCOMPLETE: 'INVENTORY_INCOMPLETE',
  CLOCK_OFF: 'CLOCK_OFF',
  DEGRADED: 'DEGRADED',
  OK: 'OK',
} as const satisfies { [State in ControllerState]: State }
export type ControllerHealthState = ControllerState
registerEnumType(ControllerHealthState, {
  name: 'ControllerHealthState',
  description: 'How the controller itself is, worst first.',
  valuesConfig: {
    CATALOG_BROKEN: { description: 'The catalog cannot be read.' },
    CATALOG_DISK: { description: 'The disk of the catalog is full.' },
    INVENTORY_BROKEN: { description: 'The newest inventory cannot be used; the last good one is in force.' },
    INVENTORY_HELD: { description: 'The newest inventory loses so many volumes that it is held.' },
    INVENTORY_INCOMPLETE: { description: 'Volumes of the inventory had to be left out.' },
    CLOCK_OFF: { description: 'Its clock is in doubt. Until then no volume becomes OVERDUE or NEVER.' },
    DEGRADED: { description: 'Something else has to be fixed.' },
    OK: { description: 'None of these.' },
  },
})

export const VolumeOrder = { PLACE: 'PLACE', WORST_FIRST: 'WORST_FIRST' } as const
export type VolumeOrder = (typeof VolumeOrder)[keyof typeof VolumeOrder]
registerEnumType(VolumeOrder, {
  name: 'VolumeOrder',
  description: 'How volumes are sorted.',
  valuesConfig: {
    PLACE: { description: 'By app, proc, instance and name.' },
    WORST_FIRST: { description: 'By the worst state of their health, then by place.' },
  },
})

export const AlarmSeverity = {
  CRITICAL: 'CRITICAL',
  WARNING: 'WARNING',
  INFO: 'INFO',
} as const satisfies { [Severity in DomainSeverity]: Severity }
export type AlarmSeverity = DomainSeverity
registerEnumType(AlarmSeverity, {
  name: 'AlarmSeverity',
  description: 'How urgent an alarm is, worst first.',
  valuesConfig: {
    CRITICAL: { description: 'Data is at risk, or nothing is backed up: somebody has to act now.' },
    WARNING: { description: 'Somebody has to act soon.' },
    INFO: { description: 'Somebody should know.' },
  },
})

export const AlarmTargetType = {
  CONTROLLER: 'CONTROLLER',
  STORE: 'STORE',
  SERVER: 'SERVER',
  VOLUME: 'VOLUME',
} as const satisfies { [Type in AlarmTarget['type']]: Type }
export type AlarmTargetType = AlarmTarget['type']
registerEnumType(AlarmTargetType, {
  name: 'AlarmTargetType',
  description: 'What an alarm is about.',
  valuesConfig: {
    CONTROLLER: { description: 'The controller, or many servers at once.' },
    STORE: { description: 'The store of a server, or of many.' },
    SERVER: { description: 'A server, or many of its volumes at once.' },
    VOLUME: { description: 'One volume.' },
  },
})

/** The states of health that are faults. */
export const AlarmKind = {
  CORRUPT: 'CORRUPT',
  NEVER: 'NEVER',
  OVERDUE: 'OVERDUE',
  FAILING: 'FAILING',
  SUSPECT: 'SUSPECT',
  PARTIAL: 'PARTIAL',
  UNUSUAL: 'UNUSUAL',
  UNPROVEN: 'UNPROVEN',
  PAUSED: 'PAUSED',
  SILENT: 'SILENT',
  STORE_UNAVAILABLE: 'STORE_UNAVAILABLE',
  STORE_FULL: 'STORE_FULL',
  DISK_FULL: 'DISK_FULL',
  CLOCK_OFF: 'CLOCK_OFF',
  VERIFY_BEHIND: 'VERIFY_BEHIND',
  OLD_VERSION: 'OLD_VERSION',
  CATALOG_BROKEN: 'CATALOG_BROKEN',
  CATALOG_DISK: 'CATALOG_DISK',
  INVENTORY_BROKEN: 'INVENTORY_BROKEN',
  INVENTORY_HELD: 'INVENTORY_HELD',
  INVENTORY_INCOMPLETE: 'INVENTORY_INCOMPLETE',
  DEGRADED: 'DEGRADED',
  SUMMARY: 'SUMMARY',
} as const satisfies { [Kind in DomainAlarmKind]: Kind }
export type AlarmKind = DomainAlarmKind
registerEnumType(AlarmKind, {
  name: 'AlarmKind',
  description:
    'Which state of health the alarm is about: of a volume (VolumeHealthState), of a server or its store (ServerHealthState), or of the controller (ControllerHealthState). SUMMARY: what the first start with alarms found.',
})

export const NotificationEvent = {
  RAISED: 'RAISED',
  WORSE: 'WORSE',
  UNACKNOWLEDGED: 'UNACKNOWLEDGED',
  CLEARED: 'CLEARED',
  TEST: 'TEST',
} as const satisfies { [Event in DomainNotificationEvent]: Event }
export type NotificationEvent = DomainNotificationEvent
registerEnumType(NotificationEvent, {
  name: 'NotificationEvent',
  description: 'What a notification tells.',
  valuesConfig: {
    RAISED: { description: 'An alarm was raised.' },
    WORSE: { description: 'An alarm became worse.' },
    UNACKNOWLEDGED: { description: 'The time of its acknowledgement is over, and it is still open.' },
    CLEARED: { description: 'An alarm was cleared.' },
    TEST: { description: 'The sink works.' },
  },
})

export const NotificationState = {
  WAITING: 'WAITING',
  SENT: 'SENT',
  FAILED: 'FAILED',
  DROPPED: 'DROPPED',
} as const satisfies { [State in DomainNotificationState]: State }
export type NotificationState = DomainNotificationState
registerEnumType(NotificationState, {
  name: 'NotificationState',
  description: 'What became of a notification.',
  valuesConfig: {
    WAITING: { description: 'It is sent as soon as its sink takes it, or at the end of quiet hours.' },
    SENT: { description: 'The sink took it.' },
    FAILED: { description: 'The sink refused it for good, or for a whole day.' },
    DROPPED: { description: 'The alarm was cleared during quiet hours, or the sink left the settings.' },
  },
})

export const PlannedBucketLength = {
  QUARTER_HOUR: 'QUARTER_HOUR',
  HOUR: 'HOUR',
  DAY: 'DAY',
} as const satisfies { [Length in BucketLength]: Length }
export type PlannedBucketLength = BucketLength
registerEnumType(PlannedBucketLength, {
  name: 'PlannedBucketLength',
  description: 'A length of time; a day is 24 hours.',
})

export const PlannedGrouping = {
  APP: 'APP',
  SERVER: 'SERVER',
  ACTION: 'ACTION',
  MODE: 'MODE',
} as const satisfies { [By in PlannedBy]: By }
export type PlannedGrouping = PlannedBy
registerEnumType(PlannedGrouping, {
  name: 'PlannedGrouping',
  description: 'What planned runs are grouped by.',
})
