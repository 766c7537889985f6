import { registerEnumType } from 'type-graphql'
import type { AuthorityState as DomainAuthorityState } from '../../domain/authorities.ts'
import type { ServerLink as DomainServerLink } from '../../domain/enrolment/server-link.ts'
import type { ControllerHealthState as ControllerState } from '../../domain/health/controller-rules.ts'
import type { ServerHealthState as ServerState } from '../../domain/health/server-rules.ts'
import type { VolumeState } from '../../domain/health/states.ts'

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

export const SchedulerStatus = { STARTED: 'started', STOPPED: 'stopped' } as const
export type SchedulerStatus = (typeof SchedulerStatus)[keyof typeof SchedulerStatus]
registerEnumType(SchedulerStatus, {
  name: 'SchedulerStatus',
  description: 'Whether a daemon starts jobs on its own.',
})

export const ServerLink = {
  TLS: 'TLS',
  IN_PROCESS: 'IN_PROCESS',
  PLAIN_HTTP: 'PLAIN_HTTP',
  REFUSED: 'REFUSED',
} as const satisfies { [Link in DomainServerLink]: Link }
export type ServerLink = DomainServerLink
registerEnumType(ServerLink, {
  name: 'ServerLink',
  description: 'How the controller talks to the daemon of a server.',
  valuesConfig: {
    TLS: { description: 'Through TLS, with the certificate of `enrolment`.' },
    IN_PROCESS: {
      description: 'Its daemon runs in the process of the controller, and nobody else reaches it.',
    },
    PLAIN_HTTP: { description: 'Over plain HTTP.' },
    REFUSED: {
      description:
        'Not at all: it has no certificate that counts, and plain HTTP is refused. `problems` say why.',
    },
  },
})

export const AuthorityState = {
  CURRENT: 'CURRENT',
  NEXT: 'NEXT',
  RETIRED: 'RETIRED',
} as const satisfies { [State in DomainAuthorityState]: State }
export type AuthorityState = DomainAuthorityState
registerEnumType(AuthorityState, {
  name: 'AuthorityState',
  description: 'What an authority for the certificates of daemons is for.',
  valuesConfig: {
    CURRENT: {
      description: "It signs the controller's own certificate; all enrolled daemons should trust it.",
    },
    NEXT: {
      description: 'A rotation is under way: it signs the new certificates of daemons that know it.',
    },
    RETIRED: { description: 'It counts no more, but daemons still trust it until they renew.' },
  },
})
