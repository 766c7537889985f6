import { randomBytes } from 'node:crypto'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

export const IDENTITY_KEY = 'controller id'

/**
 * The id by which daemons know this controller. Created once and the same in every copy of the catalog, so that a
 * controller started from a copy still owns the jobs of its daemons.
 */
export async function openIdentity(db: CatalogDb, writes: WriteQueue): Promise<string> {
  const known = await db.meta.findUnique({ where: { key: IDENTITY_KEY } })
  if (known) return known.value
  const value = randomBytes(16).toString('hex')
  await writes.run(() => db.meta.create({ data: { key: IDENTITY_KEY, value } }))
  return value
}
