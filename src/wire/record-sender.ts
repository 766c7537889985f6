import { serverOfJobId } from './ids.ts'
import type { RunRecord } from './record.ts'

/**
 * Finds a part of a record that names another server; undefined if there is none. A record, the backups in its result
 * and the id of its job must name the same server, because a daemon may report only its own runs and namespace.
 */
export function findForeignPart({ server, jobId, result }: RunRecord): string | undefined {
  const ofJob = serverOfJobId(jobId)
  if (ofJob !== undefined && ofJob !== server) return `its job belongs to ${ofJob}, expected ${server}`
  const { backup, changed = [] } = result ?? {}
  const foreign = (backup ? [backup, ...changed] : changed).find((info) => info.server !== server)
  return foreign && `its backup belongs to ${foreign.server}, expected ${server}`
}
