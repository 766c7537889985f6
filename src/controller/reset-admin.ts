import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openCatalog } from '../catalog/catalog.ts'
import { isAdminToken } from '../domain/tokens.ts'
import { type Clock, isoTime } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { LOGIN_CODE_FILE } from './login-link.ts'

/**
 * Ends all sessions, the login link that was not used, and all tokens that may do everything, in the catalog of a controller that does
 * not run: its next start creates a new one. Throws CONFLICT while it runs, and NOT_FOUND if there is no catalog. Returns the names of the tokens.
 */
export async function resetAdmin(
  dataDir: string,
  { log, clock }: { log: Log; clock: Clock },
): Promise<string[]> {
  if (!existsSync(join(dataDir, 'catalog.db')))
    throw new BackupdError(
      'NOT_FOUND',
      `There is no catalog in ${dataDir}. Name the data directory of the controller; of a standalone it is <data>/controller`,
    )
  await using parts = new AsyncDisposableStack()
  const catalog = await openCatalog({ dataDir, copyDir: join(dataDir, 'copies'), log, clock })
  parts.defer(() => catalog.close())
  const admins = (await catalog.tokens.all()).filter(isAdminToken)
  for (const { id } of admins) await catalog.tokens.remove(id)
  await catalog.sessions.removeAll()
  await rm(join(dataDir, LOGIN_CODE_FILE), { force: true })
  const facts = { tokens: admins.map(({ id }) => id) }
  const at = isoTime(clock.now())
  await catalog.audit.write({ at, who: 'backupd access reset', verb: 'resetAdmin', facts, outcome: 'done' })
  return admins.map(({ name }) => name)
}
