import type { KnownServer, ServerStore } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { splitIntoLists } from './numbers.ts'
import type { WriteQueue } from './write-queue.ts'

export function createServerStore(db: CatalogDb, writes: WriteQueue): ServerStore {
  return {
    all: () => db.server.findMany({ orderBy: { ip: 'asc' } }),
    save: (...servers) =>
      writes.run(
        () => db.$transaction((transaction) => replaceRows(transaction, servers)),
        () => NO_CHANGE,
      ),
    remove: (ip) =>
      writes.run(
        async () => void (await db.server.deleteMany({ where: { ip } })),
        () => NO_CHANGE,
      ),
  }
}

async function replaceRows(transaction: DbTransaction, servers: readonly KnownServer[]): Promise<void> {
  for (const some of splitIntoLists(servers)) {
    await transaction.server.deleteMany({ where: { ip: { in: some.map(({ ip }) => ip) } } })
    const data = some.map(({ ip, daemonId, lastSeen, leaving }) => ({ ip, daemonId, lastSeen, leaving }))
    await transaction.server.createMany({ data })
  }
}
