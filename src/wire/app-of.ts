import type { RunRecord } from './record.ts'

/** The app that the jobs of the system itself belong to. */
export const SYSTEM_APP = 'backupctl'

/** Empty for a one-off action that is of no app. */
export function appOf({ action, args }: Pick<RunRecord, 'action' | 'args'>): string {
  if (typeof args.app === 'string' && args.app !== '') return args.app
  return action === 'backup_expire' ? SYSTEM_APP : ''
}
