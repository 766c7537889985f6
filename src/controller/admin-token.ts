import { join } from 'node:path'
import { makeCaller, OWN_PROCESS } from '../domain/access/principal.ts'
import { isRefused } from '../domain/answer.ts'
import { createToken, hasAdminToken } from '../domain/tokens.ts'
import { asCaller } from '../domain/user-world.ts'
import type { World } from '../domain/world.ts'
import { writeFileAtomically } from '../lib/atomic-file.ts'
import { messageOf } from '../lib/errors.ts'

export const ADMIN_TOKEN_FILE = 'admin-token'

/**
 * Creates a token that may do everything in `<data>/admin-token`, if there is no such token: at the first start, and
 * after the last one was revoked or has expired. A failure is a problem, and does not keep the controller from its work.
 */
export async function ensureAdminToken(world: World, dataDir: string): Promise<void> {
  if (hasAdminToken(world)) return
  const file = join(dataDir, ADMIN_TOKEN_FILE)
  const keep = (text: string) => writeFileAtomically(file, `${text}\n`)
  const own = asCaller(world, makeCaller(OWN_PROCESS, 'first start'))
  try {
    const created = await createToken(own, { name: 'first admin', roles: ['admin'], keep })
    if (isRefused(created)) throw new Error(created.message)
    world.log.info({ file }, `A token that may do everything is in ${file}: keep it safe`)
  } catch (error) {
    const text = `Cannot create the token in ${file}: ${messageOf(error)}. Start the controller again to have one`
    world.log.error({ err: error }, text)
    world.problems.report({ source: 'access', key: 'admin token', text })
  }
}
