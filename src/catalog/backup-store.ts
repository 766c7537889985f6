import type { BackupStore } from '../domain/ports.ts'
import { removeBackupRows } from './backup-news.ts'
import { toBackupInfo } from './backup-rows.ts'
import { changeOfServer } from './catalog-change.ts'
import { countCorrupt } from './count-corrupt.ts'
import { countSnapshots } from './count-snapshots.ts'
import { findApps } from './find-apps.ts'
import { countBackupRows, findBackupRows } from './find-backups.ts'
import { findConditions } from './find-conditions.ts'
import { findLastGood } from './find-last-good.ts'
import { reconcile } from './reconcile.ts'
import type { CatalogWorld } from './world.ts'
import { createWriteQueue, type WriteQueue } from './write-queue.ts'

export function createBackupStore(world: CatalogWorld): BackupStore {
  const { db, numbers, writes, clock, caches } = world
  // Listings of a namespace run one at a time, or the older of two could overwrite the newer.
  const listings = new Map<string, WriteQueue>()
  const listingsOf = (server: string) => {
    const known = listings.get(server) ?? createWriteQueue()
    listings.set(server, known)
    return known
  }
  return {
    get: async (server, name) => {
      const row = await db.backup.findUnique({ where: { server_name: { server, name } } })
      return row ? toBackupInfo(row) : undefined
    },
    countSnapshots: (keys) => countSnapshots(db, keys),
    find: (filter, page) =>
      caches.backups.get(JSON.stringify([filter, page]), filter, () => findBackupRows(db, filter, page)),
    count: (filter) => countBackupRows(db, filter),
    findApps: (prefix, limit) => findApps(db, 'Backup', { prefix, limit }),
    corrupt: (server) => countCorrupt(db, server),
    lastGood: (keys) => findLastGood(db, keys),
    conditions: (keys) => findConditions(db, keys),
    remove: (server, names) =>
      writes.run(
        () =>
          db.$transaction((transaction) =>
            removeBackupRows(transaction, { server, names, touched: numbers.next() }, clock.now()),
          ),
        () => changeOfServer(server),
      ),
    namespaces: async () => {
      const rows = await db.backup.groupBy({ by: ['server'], orderBy: { server: 'asc' } })
      return rows.map(({ server }) => server)
    },
    reconcile: (server, pages, dryRun) =>
      listingsOf(server).run(() => reconcile(world, { server, pages, dryRun })),
  }
}
