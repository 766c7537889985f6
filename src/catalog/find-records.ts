import { parseCursor } from '../wire/cursor.ts'
import type { ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import { countRows } from './count-rows.ts'
import type { CatalogDb } from './database.ts'
import type { Prisma } from './generated/client.ts'
import { rowsFor, toSlice } from './keyset.ts'
import { readKept } from './read-records.ts'
import { parseRecordKey, printRecordKey, whereRecords } from './record-filter.ts'

const CURSOR = 'record'

/** Sorted by request time, latest first, as they are on disk. Throws BAD_INPUT for a bad cursor or time. */
export async function findRecordRows(
  db: CatalogDb,
  filter: RecordFilter,
  page: Page,
): Promise<Slice<RunRecord>> {
  const rows = await db.record.findMany({
    where: { AND: [whereRecords(filter), ...whereAfter(parseCursor(CURSOR, page))] },
    orderBy: [{ startKey: 'desc' }, { rid: 'desc' }],
    take: rowsFor(page),
    select: { rid: true, startKey: true },
  })
  return toSlice(await withRecords(db, rows), page, CURSOR)
}

/** Written so that the first condition alone selects from the index. */
function whereAfter(key: string | undefined): Prisma.RecordWhereInput[] {
  if (key === undefined) return []
  const { startKey, rid } = parseRecordKey(key)
  return [{ startKey: { lte: startKey } }, { OR: [{ startKey: { lt: startKey } }, { rid: { lt: rid } }] }]
}

export function countRecordRows(db: CatalogDb, filter: RecordFilter): Promise<ListCount> {
  return countRows(db, 'Record', whereRecords(filter))
}

async function withRecords(db: CatalogDb, rows: { rid: string; startKey: string }[]) {
  const kept = await readKept(
    db,
    rows.map(({ rid }) => rid),
  )
  return rows.flatMap(({ rid, startKey }) => {
    const node = kept.get(rid)?.record
    return node ? [{ key: printRecordKey({ startKey, rid }), node }] : []
  })
}
