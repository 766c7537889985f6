import { parseCursor } from '../wire/cursor.ts'
import type { ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import type { CatalogDb } from './database.ts'
import { rowsFor, toSlice } from './keyset.ts'
import { countRows, findPage } from './list-query.ts'
import { type ListConditions, RECORD_LISTS } from './list-table.ts'
import { readKept } from './read-records.ts'
import { filterRecords, parseRecordKey, printRecordKey } from './record-filter.ts'

const CURSOR = 'record'

/** Sorted by request time, latest first, as they are on disk. Throws BAD_INPUT for a bad cursor or time. */
export async function findRecordRows(
  db: CatalogDb,
  filter: RecordFilter,
  page: Page,
): Promise<Slice<RunRecord>> {
  const after = parseCursor(CURSOR, page)
  const query = {
    table: RECORD_LISTS,
    filter: { ...filterRecords(filter), after: after === undefined ? undefined : placeAfter(after) },
    limit: rowsFor(page),
  }
  const rows = await findPage<RecordPlace>(db, query, 'n."rid", n."startKey"')
  return toSlice(await withRecords(db, rows), page, CURSOR)
}

type RecordPlace = { rid: string; startKey: string }

function placeAfter(cursor: string): ListConditions['after'] {
  const { startKey, rid } = parseRecordKey(cursor)
  return { key: startKey, id: rid }
}

export function countRecordRows(db: CatalogDb, filter: RecordFilter): Promise<ListCount> {
  return countRows(db, RECORD_LISTS, filterRecords(filter))
}

async function withRecords(db: CatalogDb, rows: RecordPlace[]) {
  const kept = await readKept(
    db,
    rows.map(({ rid }) => rid),
  )
  return rows.flatMap(({ rid, startKey }) => {
    const node = kept.get(rid)?.record
    return node ? [{ key: printRecordKey({ startKey, rid }), node }] : []
  })
}
