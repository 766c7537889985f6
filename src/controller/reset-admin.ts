import { join } from 'node:path'
import { openCatalog } from '../catalog/catalog.ts'
import { isAdminToken } from '../domain/tokens.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

/**
 * Ends all tokens that may do everything, in the catalog of a controller that does not run: its next start creates a new
 * one. Throws CONFLICT while it runs. Returns the names of the tokens.
 */
export async function resetAdmin(
  dataDir: string,
  { log, clock }: { log: Log; clock: Clock },
): Promise<string[]> {
  await using parts = new AsyncDisposableStack()
  const catalog = await openCatalog({ dataDir, copyDir: join(dataDir, 'copies'), log, clock })
  parts.defer(() => catalog.close())
  const admins = (await catalog.tokens.all()).filter(isAdminToken)
  for (const { id } of admins) await catalog.tokens.remove(id)
  const facts = { tokens: admins.map(({ id }) => id) }
  const at = isoTime(clock.now())
  await catalog.audit.write({ at, who: 'backupd access reset', verb: 'resetAdmin', facts, outcome: 'done' })
  return admins.map(({ name }) => name)
}
