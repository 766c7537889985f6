import { randomBytes } from 'node:crypto'
import type { Db } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

const KEY = 'controller id'

/**
 * By what daemons know the controller that this catalog is of: made once, and the same in every copy of the catalog, so
 * that a controller which starts from a copy is still the one whose jobs they run.
 */
export async function openIdentity(db: Db, writes: WriteQueue): Promise<string> {
  const known = await db.meta.findUnique({ where: { key: KEY } })
  if (known) return known.value
  const value = randomBytes(16).toString('hex')
  await writes.run(() => db.meta.create({ data: { key: KEY, value } }))
  return value
}
