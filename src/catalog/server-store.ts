import type { KnownServer, ServerStore } from '../domain/ports.ts'
import { insertRows } from './bulk-rows.ts'
import { SERVER_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

export function createServerStore(db: CatalogDb, writes: WriteQueue): ServerStore {
  return {
    all: async () => {
      const rows = await db.$queryRaw<(Omit<KnownServer, 'leaving'> & { leaving: unknown })[]>`
        SELECT "ip", "daemonId", "lastSeen", "leaving", "timeZone" FROM "Server" ORDER BY "ip"`
      return rows.map((row) => ({ ...row, leaving: Boolean(row.leaving) }))
    },
    save: (...servers) =>
      writes.run(
        () =>
          db.$transaction((transaction) => insertRows(transaction, SERVER_TABLE, servers.map(toServerRow))),
        () => NO_CHANGE,
      ),
    remove: (ip) =>
      writes.run(
        async () => void (await db.server.deleteMany({ where: { ip } })),
        () => NO_CHANGE,
      ),
  }
}

function toServerRow({ ip, daemonId, lastSeen, leaving, timeZone }: KnownServer): KnownServer {
  return { ip, daemonId, lastSeen, leaving, timeZone }
}
