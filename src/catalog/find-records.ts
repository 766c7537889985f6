import { parseCursor } from '../wire/cursor.ts'
import type { ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import { countRows } from './count-rows.ts'
import type { CatalogDb } from './database.ts'
import type { Prisma } from './generated/client.ts'
import { rowsFor, toSlice } from './keyset.ts'
import { readKept } from './read-records.ts'
import { parseRecordKey, printRecordKey, whereRecords } from './record-filter.ts'
import type { RecordWorld } from './world.ts'

const CURSOR = 'record'

type ReadWorld = Pick<RecordWorld, 'db' | 'live'>

/** Sorted by request time, latest first. Throws BAD_INPUT for a bad cursor or time. */
export async function findRecordRows(
  world: ReadWorld,
  filter: RecordFilter,
  page: Page,
): Promise<Slice<RunRecord>> {
  const { db } = world
  const rows = await db.record.findMany({
    where: { AND: [whereRecords(filter), ...whereAfter(parseCursor(CURSOR, page))] },
    orderBy: [{ startKey: 'desc' }, { rid: 'desc' }],
    take: rowsFor(page),
    select: { rid: true, startKey: true },
  })
  return toSlice(await withRecords(world, rows), page, CURSOR)
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

/** Adds the records to the rows. A record that has not ended comes from memory, which is newer than the disk. */
async function withRecords({ db, live }: ReadWorld, rows: { rid: string; startKey: string }[]) {
  const kept = await readKept(
    db,
    rows.map(({ rid }) => rid),
  )
  return rows.flatMap(({ rid, startKey }) => {
    const node = live.get(rid)?.record ?? kept.get(rid)?.record
    return node ? [{ key: printRecordKey({ startKey, rid }), node }] : []
  })
}
