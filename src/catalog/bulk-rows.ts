// Statements about many rows. All rows are one parameter, a JSON list, so that the SQL is the same for any number of
// them and SQLite prepares it once. Prisma's own statements for many rows take four times the CPU:
// docs/decisions/0012-many-rows-in-one-statement.md. Only this file knows how SQLite reads a list.

import type { DbTransaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'

type Value = string | number | bigint | boolean | null
type ColumnType = 'string' | 'number' | 'bigint' | 'boolean'

export interface BulkTable<Row> {
  name: string
  /** All columns. A value of another type than its column's is an error, as it is with Prisma's own statements. */
  columns: { readonly [Column in keyof Row]-?: ColumnType }
  /** What to do with rows that exist: the part after `ON CONFLICT`. Without it they are an error. */
  onConflict?: string
}

/** `("a", "b") DO UPDATE SET "c" = excluded."c", …`: replaces the named columns of a row with the same key. */
export function replaceColumns(key: readonly string[], columns: readonly string[]): string {
  const set = columns.map((column) => `${quote(column)} = excluded.${quote(column)}`)
  return `(${key.map(quote).join(', ')}) DO UPDATE SET ${set.join(', ')}`
}

export async function insertRows<Row extends object>(
  transaction: DbTransaction,
  table: BulkTable<Row>,
  rows: readonly Row[],
): Promise<void> {
  const columns = Object.entries<ColumnType>(table.columns)
  const names = columns.map(([name]) => quote(name)).join(', ')
  const head = Prisma.raw(`INSERT INTO ${quote(table.name)} (${names}) SELECT * FROM `)
  // Without WHERE, SQLite takes ON CONFLICT for a part of the FROM.
  const tail = Prisma.raw(table.onConflict === undefined ? '' : ` WHERE TRUE ON CONFLICT ${table.onConflict}`)
  for (const some of splitIntoLists(rows)) {
    const values = some.map((row) => readValues(table.name, columns, row))
    await transaction.$executeRaw`${head}${makeTuples(values)}${tail}`
  }
}

/** Runs `before` + tuples + `after`, in several statements if there are very many tuples. */
export async function executeForTuples(
  transaction: DbTransaction,
  tuples: readonly (readonly Value[])[],
  { before, after }: { before: string; after: string },
): Promise<void> {
  for (const some of splitIntoLists(tuples))
    await transaction.$executeRaw`${Prisma.raw(before)}${makeTuples(some)}${Prisma.raw(after)}`
}

/** `(SELECT …)` with a row for each of these tuples, at least one; the columns are `column1`, `column2`, … */
export function makeTuples(tuples: readonly (readonly Value[])[]): Prisma.Sql {
  const columns = tuples[0]?.map((_, at) => `value ->> ${at} AS column${at + 1}`) ?? []
  const json = JSON.stringify(tuples.map((tuple) => tuple.map(toJsonValue)))
  return new Prisma.Sql([`(SELECT ${columns.join(', ')} FROM json_each(`, '))'], [json])
}

/** `(SELECT …)` with a row for each of these texts, for `IN`. */
export function makeList(texts: readonly string[]): Prisma.Sql {
  return new Prisma.Sql(['(SELECT value FROM json_each(', '))'], [JSON.stringify(texts.map(toJsonValue))])
}

/** Our integers are exact as numbers. A text that is not Unicode becomes what SQLite would make of it as a parameter. */
function toJsonValue(value: Value): Value {
  if (typeof value === 'string') return value.toWellFormed()
  return typeof value === 'bigint' ? Number(value) : value
}

function readValues(table: string, columns: [string, ColumnType][], row: object): Value[] {
  const cells = row as Record<string, unknown>
  return columns.map(([name, type]) => {
    const value = cells[name] ?? null
    if (value === null) return null
    if (type === 'bigint' && typeof value === 'number') return BigInt(value)
    if (typeof value === type) return value as Value
    throw new TypeError(`Cannot store ${table}.${name}: got a ${typeof value}, expected a ${type}`)
  })
}

function quote(name: string): string {
  return `"${name}"`
}
