// Every enum of the API is in a file of this folder, by subject. Importing one registers it; types/ and the resolvers do.
// An enum of the domain has its values here again, and the compiler compares them.

import { registerEnumType } from 'type-graphql'
import type { AccessAction as DomainAction } from '../../domain/access/roles.ts'
import type { SessionOrigin as DomainOrigin } from '../../domain/access/session-book.ts'

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
    RESTORER: { description: 'Recover, migrate, and download files.' },
    ADMIN: {
      description:
        'Everything: also delete, pin and release backups, schedulers, clocks, the catalog and access.',
    },
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
  DOWNLOAD: 'download',
  DELETE: 'delete',
  HOLD: 'hold',
  SCHEDULER: 'scheduler',
  CLOCK: 'clock',
  CATALOG: 'catalog',
  AUDIT: 'audit',
  ACCESS: 'access',
} as const satisfies Record<string, DomainAction>
export type AccessAction = (typeof AccessAction)[keyof typeof AccessAction]
registerEnumType(AccessAction, { name: 'AccessAction', description: 'What a caller may want to do.' })

export const CallerKind = {
  ANONYMOUS: 'anonymous',
  TOKEN: 'token',
  SESSION: 'session',
  PROCESS: 'process',
} as const
export type CallerKind = (typeof CallerKind)[keyof typeof CallerKind]
registerEnumType(CallerKind, {
  name: 'CallerKind',
  description: 'How it was found out who asks.',
  valuesConfig: {
    ANONYMOUS: { description: 'It was not: the request had no credentials.' },
    TOKEN: { description: 'By a token.' },
    SESSION: { description: 'By the cookie of a session, in a browser.' },
    PROCESS: { description: 'The controller asks itself.' },
  },
})

export const SessionOrigin = { TOKEN: 'token', LINK: 'link' } as const satisfies Record<string, DomainOrigin>
export type SessionOrigin = (typeof SessionOrigin)[keyof typeof SessionOrigin]
registerEnumType(SessionOrigin, {
  name: 'SessionOrigin',
  description: 'How a session began.',
  valuesConfig: {
    TOKEN: { description: 'With a token: the session ends with it.' },
    LINK: { description: 'With a link of `backupd login-link`.' },
  },
})
