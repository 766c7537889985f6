import type { Route } from './row.ts'
import { BACKUP_ROWS } from './rows/backups.ts'
import { JOB_ROWS } from './rows/jobs.ts'
import { RECORD_ROWS } from './rows/records.ts'
import { RECOVER_ROWS } from './rows/recovers.ts'
import { SERVER_ROWS } from './rows/servers.ts'
import { SYSTEM_ROWS } from './rows/system.ts'

/** Every old URL of the controller but the one where daemons tell their news. docs/rest.md describes each. */
export const ROUTES: readonly Route[] = [
  ...JOB_ROWS,
  ...RECORD_ROWS,
  ...BACKUP_ROWS,
  ...RECOVER_ROWS,
  ...SERVER_ROWS,
  ...SYSTEM_ROWS,
]
