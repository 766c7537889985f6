import type { AccessStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import { IDENTITY_KEY } from './identity.ts'
import type { WriteQueue } from './write-queue.ts'

const KEY = 'access'
const ENFORCED = 'enforced'
/** Of a catalog that was made before there were tokens. */
const OPEN = 'open'

/** Call it before openIdentity: a catalog without an identity is a fresh one, which begins closed. */
export async function openAccessMark(db: CatalogDb, writes: WriteQueue): Promise<AccessStore> {
  const known = await db.meta.findUnique({ where: { key: KEY } })
  const value = known?.value ?? ((await hasIdentity(db)) ? OPEN : ENFORCED)
  if (!known) await writes.run(() => db.meta.create({ data: { key: KEY, value } }))
  return {
    isEnforced: value === ENFORCED,
    enforce: () =>
      writes.run(
        async () => void (await db.meta.update({ where: { key: KEY }, data: { value: ENFORCED } })),
        () => NO_CHANGE,
      ),
  }
}

async function hasIdentity(db: CatalogDb): Promise<boolean> {
  return (await db.meta.findUnique({ where: { key: IDENTITY_KEY } })) !== null
}
