import type { BackupInfo } from '../wire/backup.ts'
import { parseCursor } from '../wire/cursor.ts'
import type { BackupFilter, ListCount, Page, Slice } from '../wire/listing.ts'
import { toBackupInfo } from './backup-rows.ts'
import { countRows } from './count-rows.ts'
import type { CatalogDb } from './database.ts'
import type { Prisma } from './generated/client.ts'
import { makeKeyBounds, rowsFor, toSlice } from './keyset.ts'

/**
 * Newest first. Sorted by sequence if the filter selects one volume of one instance on one server, because clocks can
 * jump; otherwise by time of creation, because sequences count per volume. Throws BAD_INPUT for a bad cursor or time.
 */
export async function findBackupRows(
  db: CatalogDb,
  filter: BackupFilter,
  page: Page,
): Promise<Slice<BackupInfo>> {
  const order = isOneVolume(filter) ? 'sequenceKey' : 'createdKey'
  const after = parseCursor(order, page)
  const rows = await db.backup.findMany({
    where: { AND: [whereBackups(filter), after === undefined ? {} : { [order]: { lt: after } }] },
    orderBy: { [order]: 'desc' },
    take: rowsFor(page),
  })
  const items = rows.map((row) => ({ key: row[order], node: toBackupInfo(row) }))
  return toSlice(items, page, order)
}

export function countBackupRows(db: CatalogDb, filter: BackupFilter): Promise<ListCount> {
  return countRows(db, 'Backup', whereBackups(filter))
}

function isOneVolume({ server, app, proc, volumes, instanceNo }: BackupFilter): boolean {
  const named = [server, app, proc, instanceNo].every((value) => value !== undefined)
  return named && volumes?.length === 1
}

function whereBackups(filter: BackupFilter): Prisma.BackupWhereInput {
  const { app, proc, volumes, instanceNo, mode, server, names } = filter
  return {
    app,
    proc,
    instanceNo,
    mode,
    server,
    volume: volumes && { in: volumes },
    name: names && { in: names },
    createdKey: makeKeyBounds(filter),
  }
}
