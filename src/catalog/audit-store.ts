import type { AuditStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

/** How many rows one call of forget() deletes at most, so that other writes do not wait long. */
const MAX_FORGOTTEN_ROWS = 500

export function createAuditStore(db: CatalogDb, writes: WriteQueue): AuditStore {
  return {
    write: ({ at, who, verb, facts, outcome }) =>
      writes.run(
        async () => {
          await db.audit.create({ data: { at, who, verb, facts: JSON.stringify(facts), outcome } })
        },
        () => NO_CHANGE,
      ),
    forget: (before) =>
      writes.run(
        async () => {
          const old = await db.audit.findMany({
            where: { at: { lt: before } },
            orderBy: { at: 'asc' },
            take: MAX_FORGOTTEN_ROWS,
            select: { id: true },
          })
          await db.audit.deleteMany({ where: { id: { in: old.map(({ id }) => id) } } })
          return old.length
        },
        () => NO_CHANGE,
      ),
  }
}
