import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { countGivenRanges, isGiven, isOneRange, MAX_RANGES, printRangesAs } from './list-ranges.ts'
import type { ListConditions, ListTable } from './list-table.ts'
import { type ListQuery, printMatching } from './list-where.ts'

/** Rows of an index are counted up to here to find the best one. */
const MAX_WEIGHED = 10_000
/** Rows that a page may read if it takes some of each range. */
const MAX_READ = 20_000

interface Candidate {
  index: readonly string[]
  /** Ranges of the whole index, up to MAX_RANGES. */
  ranges: number
  /** Rows that the index alone selects, up to MAX_WEIGHED + 1. */
  rows: number
}

/**
 * The columns of the index to read; none if the list is best read in its order. If several indexes serve, the one with the
 * fewest rows wins; if all have many, the one with the fewest ranges, because other conditions lengthen each of them.
 */
export async function chooseIndex(db: CatalogDb, query: ListQuery): Promise<readonly string[]> {
  const { table, filter, limit } = query
  const indexes = listUseful(table, filter)
  const [only] = indexes
  if (!only || (indexes.length === 1 && isCheap(only, query))) return only ?? []
  const candidates = await weighIndexes(db, query, indexes)
  const good = candidates.filter(
    ({ ranges, rows }) => ranges < MAX_RANGES && (rows <= MAX_WEIGHED || ranges * limit <= MAX_READ),
  )
  const [best] = good.toSorted((one, other) => one.rows - other.rows || one.ranges - other.ranges)
  return best?.index ?? []
}

/** Whether so many rows of each range are few, without a look at the table. */
function isCheap(index: readonly string[], { filter, limit }: ListQuery): boolean {
  return (
    isOneRange(filter, index) ||
    (isGiven(filter, index) && countGivenRanges(filter, index) * limit <= MAX_READ)
  )
}

/** The indexes with a column that the filter names; of two where one serves all that the other does, the better one. */
function listUseful({ indexes }: ListTable, filter: ListConditions): (readonly string[])[] {
  const given = (index: readonly string[]) => index.filter((column) => filter.columns.has(column))
  const some = indexes.filter(
    (index) => given(index).length > 0 && countGivenRanges(filter, index) <= MAX_RANGES,
  )
  const isBetter = (index: readonly string[], other: readonly string[]) => {
    const [own, others] = [given(index), given(other)]
    const servesAll = others.every((column) => own.includes(column))
    return servesAll && (own.length > others.length || index.length < other.length)
  }
  return some.filter((index) => !some.some((other) => isBetter(other, index)))
}

async function weighIndexes(
  db: CatalogDb,
  { table, filter }: ListQuery,
  indexes: readonly (readonly string[])[],
): Promise<Candidate[]> {
  const weights = indexes.map((index, n) => {
    const own = onlyOfIndex({ table, filter, limit: MAX_WEIGHED + 1 }, index)
    const rows = printMatching(own, cutToFilter(index, filter))
    return Prisma.sql`SELECT ${n} AS "n", ${countRanges(table, index, filter)} AS "ranges",
      (SELECT COUNT(*) FROM (${rows}) AS matching) AS "rows"`
  })
  const found = await db.$queryRaw<{ n: number; ranges: bigint | number; rows: bigint | number }[]>(
    Prisma.join(weights, ' UNION ALL '),
  )
  return found.map(({ n, ranges, rows }) => {
    return { index: indexes[Number(n)] ?? [], ranges: Number(ranges), rows: Number(rows) }
  })
}

/** The query with the conditions that can be told from the index alone. */
function onlyOfIndex({ table, filter, limit }: ListQuery, index: readonly string[]): ListQuery {
  const columns = new Map([...filter.columns].filter(([column]) => index.includes(column)))
  const bounds = filter.bounds.filter(({ column }) => column === table.key)
  return { table, filter: { columns, bounds }, limit }
}

function countRanges(table: ListTable, index: readonly string[], filter: ListConditions): Prisma.Sql {
  if (isGiven(filter, index)) return Prisma.sql`${countGivenRanges(filter, index)}`
  const ranges = printRangesAs(table, index, filter)
  return Prisma.sql`(SELECT COUNT(*) FROM (SELECT 1 FROM ${ranges} LIMIT ${MAX_RANGES}) AS counted)`
}

/** The columns of the index up to the last one that the filter names. */
export function cutToFilter(index: readonly string[], { columns }: ListConditions): readonly string[] {
  return index.slice(0, index.findLastIndex((column) => columns.has(column)) + 1)
}
