import type { RunRecord } from './record.ts'

/** The app of the system's own jobs. */
export const SYSTEM_APP = 'backupctl'

/** The app of a run; empty for a one-off run that belongs to none. */
export function findApp({ action, args }: Pick<RunRecord, 'action' | 'args'>): string {
  if (typeof args.app === 'string' && args.app !== '') return args.app
  return action === 'backup_expire' ? SYSTEM_APP : ''
}
