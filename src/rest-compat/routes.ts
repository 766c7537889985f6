// The legacy v1 and v2 URLs of the controller: a table (rows/) that maps each to a GraphQL document and its answer to
// legacy JSON (legacy/). controller/ serves it. It knows no domain or catalog and may import only lib, wire and client.

import type { RestRoute } from './row.ts'
import { BACKUP_ROWS } from './rows/backups.ts'
import { JOB_ROWS } from './rows/jobs.ts'
import { RECORD_ROWS } from './rows/records.ts'
import { RECOVER_ROWS } from './rows/recovers.ts'
import { SERVER_ROWS } from './rows/servers.ts'
import { SYSTEM_ROWS } from './rows/system.ts'

/** Every legacy URL of the controller, except the one for news of daemons. docs/rest.md describes each. */
export const REST_ROUTES: readonly RestRoute[] = [
  ...JOB_ROWS,
  ...RECORD_ROWS,
  ...BACKUP_ROWS,
  ...RECOVER_ROWS,
  ...SERVER_ROWS,
  ...SYSTEM_ROWS,
]
