import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createLoginCode, LOGIN_CODE_FILE } from '../../src/controller/login-link.ts'
import { resetAdmin } from '../../src/controller/reset-admin.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

test('a reset ends sessions of kinds that are not known, too, and the login link that was not used', async () => {
  const dataDir = await tempFolder()
  const catalog = await openCatalogIn(dataDir)
  const at = new Date(systemClock.now()).toISOString()
  const session = { hash: '', holder: 'link', name: 'x', tokenId: null, grants: [], address: '' }
  const times = { createdAt: at, lastUsedAt: at, expiresAt: at }
  for (const id of ['a', 'b']) await catalog.sessions.add({ id, by: 'link', ...session, ...times })
  await catalog.close()
  const count = (change?: string) => {
    const db = new Database(join(dataDir, 'catalog.db'))
    if (change) db.exec(change)
    const found = db.prepare('SELECT count(*) AS n FROM session').get() as { n: number }
    db.close()
    return found.n
  }
  expect(count("UPDATE session SET by = 'oidc' WHERE id = 'b'")).toBe(2)
  await createLoginCode(dataDir, systemClock.now())
  await resetAdmin(dataDir, { log: silentLog, clock: systemClock })
  expect([count(), existsSync(join(dataDir, LOGIN_CODE_FILE))]).toEqual([0, false])
})
