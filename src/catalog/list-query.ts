import { capCount, type ListCount, MAX_COUNT } from '../wire/listing.ts'
import { chooseIndex, cutToFilter } from './choose-index.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { isOneRange, printRangesAs } from './list-ranges.ts'
import type { ListConditions, ListTable } from './list-table.ts'
import { type ListQuery, printMatching, printOrder, printRows, printWhere } from './list-where.ts'

/** A page of a list, the row with the highest key first. @param select what to read of each row `n`: `n."rid"` */
export async function findPage<Row>(db: CatalogDb, query: ListQuery, select: string): Promise<Row[]> {
  const { table, filter, limit } = query
  if (isEmpty(filter)) return []
  const index = await chooseIndex(db, query)
  const rows = printRows(table)
  const end = Prisma.sql`${printOrder(table)} LIMIT ${limit}`
  const own = Prisma.sql`FROM ${rows} ${printWhere(table, filter, index)} ${end}`
  const columns = Prisma.raw(select)
  if (isOneRange(filter, index)) return db.$queryRaw<Row[]>`SELECT ${columns} ${own}`
  const id = Prisma.raw(`n."${table.id}"`)
  return db.$queryRaw<Row[]>`SELECT ${columns} FROM ${printRangesAs(table, index, filter)} CROSS JOIN ${rows}
    WHERE ${id} IN (SELECT ${id} ${own}) ${end}`
}

/** Counts the rows of a list, up to the limit of counts. */
export async function countRows(db: CatalogDb, table: ListTable, filter: ListConditions): Promise<ListCount> {
  if (isEmpty(filter)) return capCount(0)
  const index = await chooseIndex(db, { table, filter, limit: 0 })
  const matching = printMatching({ table, filter, limit: MAX_COUNT + 1 }, cutToFilter(index, filter))
  const rows = await db.$queryRaw<
    { found: bigint | number }[]
  >`SELECT COUNT(*) AS "found" FROM (${matching}) AS matching`
  return capCount(Number(rows[0]?.found ?? 0))
}

/** Whether a column may have none of all values. */
function isEmpty({ columns }: ListConditions): boolean {
  return [...columns.values()].some((values) => values.length === 0)
}
