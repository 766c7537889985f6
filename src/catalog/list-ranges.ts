// A list that is filtered by the second column of an index is still read from that index, in ranges: one for each
// combination of the columns' values that occurs in the table.

import { Prisma } from './generated/client.ts'
import type { ListConditions, ListTable } from './list-table.ts'

/** An index is not used if a list needs more of its ranges. */
export const MAX_RANGES = 1000

/**
 * `(…) p`: a table with a row for each range of the index with these columns. It may leave out ranges only if there are
 * MAX_RANGES or more.
 */
export function printRangesAs(
  table: ListTable,
  columns: readonly string[],
  filter: ListConditions,
): Prisma.Sql {
  const levels = columns.map((column, n) => {
    const values = filter.columns.get(column)
    return values ? printGiven(columns.slice(0, n + 1), values) : printFound(table, columns.slice(0, n + 1))
  })
  return Prisma.sql`(WITH RECURSIVE ${Prisma.join(levels, ', ')} SELECT * FROM ${rangesName(columns)}) p`
}

function rangesName(columns: readonly string[]): Prisma.Sql {
  return Prisma.raw(`"r${columns.length}"`)
}

/** Whether the row `n` is in the range `p`. */
export function printInRange(table: ListTable, columns: readonly string[]): Prisma.Sql {
  const equal = (column: string) => (table.nullable.has(column) ? 'IS NOT DISTINCT FROM' : '=')
  return Prisma.raw(columns.map((column) => `n."${column}" ${equal(column)} p."${column}"`).join(' AND '))
}

/** A level whose column has given values. */
function printGiven(columns: readonly string[], values: readonly unknown[]): Prisma.Sql {
  const rows = Prisma.join(values.map((value) => Prisma.sql`(${value})`))
  const outer = columns.slice(0, -1)
  const from =
    outer.length === 0
      ? Prisma.sql`VALUES ${rows}`
      : Prisma.sql`SELECT ${selectFrom('p', outer)}, v.column1 FROM ${rangesName(outer)} p CROSS JOIN (VALUES ${rows}) v`
  return Prisma.sql`${rangesName(columns)}(${list(columns)}) AS (${from})`
}

/** A level whose column may have any value: finds one after the other in the index. */
function printFound({ name, nullable }: ListTable, columns: readonly string[]): Prisma.Sql {
  const [outer, column = ''] = [columns.slice(0, -1), columns.at(-1)]
  const steps = Prisma.raw(`"s${columns.length}"`)
  const least = (more: string) => {
    const conditions = [...outer.map((each) => `n."${each}" = p."${each}"`), ...(more === '' ? [] : [more])]
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
    return Prisma.raw(`(SELECT min(n."${column}") FROM "${name}" n${where})`)
  }
  const own = outer.length === 0 ? Prisma.empty : Prisma.sql`${selectFrom('p', outer)}, `
  const parent = outer.length === 0 ? Prisma.empty : Prisma.sql` FROM ${rangesName(outer)} p`
  const none = nullable.has(column) ? Prisma.sql`SELECT ${own}NULL, 0${parent} UNION ALL ` : Prisma.empty
  const found = Prisma.raw(`"${column}" IS NOT NULL`)
  return Prisma.sql`${steps}(${list(columns)}, "step") AS (
      ${none}SELECT ${own}${least('')}, 1${parent}
      UNION ALL SELECT ${own}${least(`n."${column}" > p."${column}"`)}, 1 FROM ${steps} p WHERE p.${found}
      LIMIT ${3 * MAX_RANGES}),
    ${rangesName(columns)}(${list(columns)}) AS (
      SELECT ${list(columns)} FROM ${steps} WHERE ${found} OR "step" = 0)`
}

function list(columns: readonly string[]): Prisma.Sql {
  return Prisma.raw(columns.map((column) => `"${column}"`).join(', '))
}

function selectFrom(alias: string, columns: readonly string[]): Prisma.Sql {
  return Prisma.raw(columns.map((column) => `${alias}."${column}"`).join(', '))
}

/** Whether the filter selects one range of the index, or there is no index. */
export function isOneRange({ columns }: ListConditions, index: readonly string[]): boolean {
  return index.every((column) => columns.get(column)?.length === 1)
}

/** Whether the filter names all columns of the index. */
export function isGiven({ columns }: ListConditions, index: readonly string[]): boolean {
  return index.every((column) => columns.has(column))
}

/** The combinations of the values that the filter names. */
export function countGivenRanges({ columns }: ListConditions, index: readonly string[]): number {
  return index.reduce((product, column) => product * (columns.get(column)?.length ?? 1), 1)
}
