import type { BackupInfo } from '../wire/backup.ts'
import { parseCursor } from '../wire/cursor.ts'
import type { BackupFilter, ListCount, Page, Slice } from '../wire/listing.ts'
import { findAppOfProc } from '../wire/proc-names.ts'
import { toBackupInfo } from './backup-rows.ts'
import type { CatalogDb } from './database.ts'
import type { Backup } from './generated/client.ts'
import { makeKeyBounds, rowsFor, toSlice } from './keyset.ts'
import { countRows, findPage } from './list-query.ts'
import {
  BACKUP_LISTS,
  HELD_BACKUP_LISTS,
  type ListConditions,
  type ListTable,
  makeColumns,
  narrowValues,
  VOLUME_BACKUP_LISTS,
} from './list-table.ts'
import { toBigInt } from './numbers.ts'

/**
 * Newest first. Sorted by sequence if the filter selects one volume of one instance on one server, and not only what is
 * held, because clocks can jump; otherwise by time of creation, because sequences count per volume. Throws BAD_INPUT for a bad cursor or time.
 */
export async function findBackupRows(
  db: CatalogDb,
  filter: BackupFilter,
  page: Page,
): Promise<Slice<BackupInfo>> {
  const table = chooseTable(filter)
  const order = table.key as 'createdKey' | 'sequenceKey'
  const after = parseCursor(order, page)
  const query = {
    table,
    filter: { ...filterBackups(filter), after: after === undefined ? undefined : { key: after } },
    limit: rowsFor(page),
  }
  const rows = await findPage<Backup>(db, query, 'n.*')
  const items = rows.map((row) => ({ key: row[order], node: toBackupInfo(row) }))
  return toSlice(items, page, order)
}

export function countBackupRows(db: CatalogDb, filter: BackupFilter): Promise<ListCount> {
  return countRows(db, filter.held ? HELD_BACKUP_LISTS : BACKUP_LISTS, filterBackups(filter))
}

function chooseTable(filter: BackupFilter): ListTable {
  if (filter.held) return HELD_BACKUP_LISTS
  return isOneVolume(filter) ? VOLUME_BACKUP_LISTS : BACKUP_LISTS
}

function isOneVolume({ server, app, proc, volumes, instanceNo }: BackupFilter): boolean {
  const named = [server, app, proc, instanceNo].every((value) => value !== undefined)
  return named && volumes?.length === 1
}

function filterBackups(filter: BackupFilter): ListConditions {
  const { app, apps, proc, volumes, instanceNo, mode, server, names } = filter
  return {
    columns: makeColumns({
      app: narrowValues(app ?? (proc && findAppOfProc(proc)), apps),
      proc,
      volume: volumes,
      instanceNo: instanceNo === undefined ? undefined : toBigInt(instanceNo),
      mode,
      server,
      name: names,
    }),
    bounds: [{ column: 'createdKey', ...makeKeyBounds(filter) }],
  }
}
