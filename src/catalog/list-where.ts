import { Prisma } from './generated/client.ts'
import { isOneRange, printInRange, printRangesAs } from './list-ranges.ts'
import type { Bound, ListConditions, ListTable } from './list-table.ts'

export interface ListQuery {
  table: ListTable
  filter: ListConditions
  /** Rows to read at most. */
  limit: number
}

/** Selects 1 for each row that matches, in no order. @param index its first columns, up to the last that is filtered */
export function printMatching({ table, filter, limit }: ListQuery, index: readonly string[]): Prisma.Sql {
  const where = printWhere(table, filter, index)
  const rows = printRows(table)
  const from = isOneRange(filter, index)
    ? rows
    : Prisma.sql`${printRangesAs(table, index, filter)} CROSS JOIN ${rows}`
  return Prisma.sql`SELECT 1 AS one FROM ${from} ${where} LIMIT ${limit}`
}

/** The rows `n`. */
export function printRows({ name, partial }: ListTable): Prisma.Sql {
  return Prisma.raw(`"${name}" n${partial ? ` INDEXED BY "${partial.index}"` : ''}`)
}

export function printOrder({ key, id }: ListTable): Prisma.Sql {
  return Prisma.raw(`ORDER BY n."${key}" DESC${id === key ? '' : `, n."${id}" DESC`}`)
}

/** The conditions of the row `n`. Those that the index lacks are written so that no other index seems to serve them. */
export function printWhere(table: ListTable, filter: ListConditions, index: readonly string[]): Prisma.Sql {
  const ranges = isOneRange(filter, index) ? [] : [printInRange(table, index)]
  const columns = [...filter.columns].flatMap(([column, values]) => {
    if (!index.includes(column)) return isAmong(hidden(column), values)
    return isOneRange(filter, index) ? isAmong(Prisma.raw(`n."${column}"`), values) : []
  })
  const bounds = filter.bounds.flatMap((bound) => printBound(table, bound))
  const partial = table.partial ? [Prisma.raw(table.partial.where)] : []
  const all = [...partial, ...ranges, ...columns, ...bounds, ...printAfter(table, filter)]
  return all.length === 0 ? Prisma.empty : Prisma.sql`WHERE ${Prisma.join(all, ' AND ')}`
}

function hidden(column: string): Prisma.Sql {
  return Prisma.raw(`coalesce(n."${column}", NULL)`)
}

function isAmong(column: Prisma.Sql, values: readonly unknown[]): Prisma.Sql {
  const [only] = values
  return values.length === 1
    ? Prisma.sql`${column} = ${only}`
    : Prisma.sql`${column} IN (${Prisma.join([...values])})`
}

function printBound({ key }: ListTable, { column, gte, lt }: Bound): Prisma.Sql[] {
  const value = column === key ? Prisma.raw(`n."${column}"`) : hidden(column)
  return [
    ...(gte === undefined ? [] : [Prisma.sql`${value} >= ${gte}`]),
    ...(lt === undefined ? [] : [Prisma.sql`${value} < ${lt}`]),
  ]
}

/** Written so that the first condition alone selects from the index. */
function printAfter({ key: keyName, id: idName }: ListTable, { after }: ListConditions): Prisma.Sql[] {
  if (after === undefined) return []
  const [key, id] = [Prisma.raw(`n."${keyName}"`), Prisma.raw(`n."${idName}"`)]
  if (after.id === undefined) return [Prisma.sql`${key} < ${after.key}`]
  return [Prisma.sql`${key} <= ${after.key}`, Prisma.sql`(${key} < ${after.key} OR ${id} < ${after.id})`]
}
