// Who may do what. A principal has grants: a role, for everything or for some apps. can.ts decides; the verbs and reads of
// domain/ ask it, and nobody else, so that GraphQL, sockets and the legacy URLs cannot differ.
// This folder is pure: it knows neither the world nor HTTP, and may import only lib and wire.

export const ROLES = ['viewer', 'operator', 'restorer', 'admin'] as const
export type Role = (typeof ROLES)[number]

export interface Grant {
  readonly role: Role
  /** Names of apps, or `team-*`; null: everything, also what belongs to no app. */
  readonly apps: readonly string[] | null
}

/** The roles that allow an action, and the action in words. */
interface ActionRule {
  readonly roles: readonly Role[]
  readonly words: string
}

const OPERATORS: readonly Role[] = ['operator', 'admin']
const RESTORERS: readonly Role[] = ['restorer', 'admin']
const ADMINS: readonly Role[] = ['admin']

/** Everything that users can ask for. */
export const ACCESS_RULES = {
  view: { roles: ROLES, words: 'see it' },
  run: { roles: OPERATORS, words: 'run jobs' },
  sleep: { roles: OPERATORS, words: 'put jobs to sleep' },
  wake: { roles: OPERATORS, words: 'wake jobs' },
  cancel: { roles: OPERATORS, words: 'cancel runs' },
  verify: { roles: OPERATORS, words: 'verify backups' },
  acknowledge: { roles: OPERATORS, words: 'acknowledge alarms and unusual backups' },
  recover: { roles: RESTORERS, words: 'recover backups' },
  download: { roles: RESTORERS, words: 'download files of backups' },
  migrate: { roles: RESTORERS, words: 'migrate backups' },
  delete: { roles: ADMINS, words: 'delete backups' },
  hold: { roles: ADMINS, words: 'pin and release backups' },
  scheduler: { roles: ADMINS, words: 'start and stop schedulers' },
  notify: { roles: ADMINS, words: 'send test notifications' },
  clock: { roles: ADMINS, words: 'confirm clocks' },
  catalog: { roles: ADMINS, words: 'copy and rebuild the catalog' },
  audit: { roles: ADMINS, words: 'read the audit' },
  access: { roles: ADMINS, words: 'manage access' },
} as const satisfies Record<string, ActionRule>

export type AccessAction = keyof typeof ACCESS_RULES
