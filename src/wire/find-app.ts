import type { RunRecord } from './record.ts'
import { VERIFY_DUE_ACTION } from './verify-schedule.ts'

/** The app of the system's own jobs. */
export const SYSTEM_APP = 'backupctl'

const SYSTEM_ACTIONS: ReadonlySet<string> = new Set(['backup_expire', VERIFY_DUE_ACTION])

/** The app of a run; empty for a one-off run that belongs to none. */
export function findApp({ action, args }: Pick<RunRecord, 'action' | 'args'>): string {
  if (typeof args.app === 'string' && args.app !== '') return args.app
  return SYSTEM_ACTIONS.has(action) ? SYSTEM_APP : ''
}
