import { serverOfJobId } from './ids.ts'
import type { RunRecord } from './record.ts'

/**
 * Why a record is not of one server alone; undefined if it is. The server of a record, of the backups in its result and
 * in the id of its job are the same: a daemon speaks of its own runs and of its own folder in the store.
 */
export function findForeignPart({ server, jobId, result }: RunRecord): string | undefined {
  const ofJob = serverOfJobId(jobId)
  if (ofJob !== undefined && ofJob !== server) return `its job is of ${ofJob}, expected ${server}`
  const { backup, changed = [] } = result ?? {}
  const foreign = (backup ? [backup, ...changed] : changed).find((info) => info.server !== server)
  return foreign && `its backup is of ${foreign.server}, expected ${server}`
}
