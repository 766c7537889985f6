import type { ServerStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

export function createServerStore(db: CatalogDb, writes: WriteQueue): ServerStore {
  return {
    all: () => db.server.findMany({ orderBy: { ip: 'asc' } }),
    save: ({ ip, daemonId, lastSeen, leaving }) =>
      writes.run(
        async () => {
          const values = { daemonId, lastSeen, leaving }
          await db.server.upsert({ where: { ip }, create: { ip, ...values }, update: values })
        },
        () => NO_CHANGE,
      ),
    remove: (ip) =>
      writes.run(
        async () => void (await db.server.deleteMany({ where: { ip } })),
        () => NO_CHANGE,
      ),
  }
}
