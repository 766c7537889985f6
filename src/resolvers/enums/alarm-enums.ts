import { registerEnumType } from 'type-graphql'
import type {
  AlarmTarget,
  AlarmKind as DomainAlarmKind,
  AlarmSeverity as DomainSeverity,
} from '../../domain/alarms/alarm.ts'

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
