import { DRILL_DUE_ACTION } from './drill-schedule.ts'
import type { RunRecord } from './record.ts'
import { VERIFY_DUE_ACTION } from './verify-schedule.ts'

/** The app of the system's own jobs. */
export const SYSTEM_APP = 'backupctl'

const PROOF_ACTIONS: ReadonlySet<string> = new Set([VERIFY_DUE_ACTION, DRILL_DUE_ACTION])
const SYSTEM_ACTIONS: ReadonlySet<string> = new Set(['backup_expire', ...PROOF_ACTIONS])

/** Whether it is the action of a job that verifies or drills backups, each in a run of its own. */
export function isProofJob(action: string): boolean {
  return PROOF_ACTIONS.has(action)
}

/** The app of a run; empty for a one-off run that belongs to none. */
export function findApp({ action, args }: Pick<RunRecord, 'action' | 'args'>): string {
  if (typeof args.app === 'string' && args.app !== '') return args.app
  return SYSTEM_ACTIONS.has(action) ? SYSTEM_APP : ''
}
