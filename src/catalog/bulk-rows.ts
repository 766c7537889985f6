// Statements with many rows, in the SQL that SQLite and PostgreSQL share. Prisma's own statements for
// many rows take four times the CPU: docs/decisions/0012-many-rows-in-one-statement.md.

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
  const head = `INSERT INTO ${quote(table.name)} (${columns.map(([name]) => quote(name)).join(', ')}) VALUES `
  const tail = table.onConflict === undefined ? '' : ` ON CONFLICT ${table.onConflict}`
  for (const some of splitIntoLists(rows)) {
    const values = some.map((row) => readValues(table.name, columns, row))
    await transaction.$executeRaw(joinTuples(values, head, tail))
  }
}

/** Runs `before` + `(?, ?), (?, ?), …` + `after`, in several statements if there are too many tuples for one. */
export async function executeForTuples(
  transaction: DbTransaction,
  tuples: readonly (readonly Value[])[],
  { before, after }: { before: string; after: string },
): Promise<void> {
  for (const some of splitIntoLists(tuples)) await transaction.$executeRaw(joinTuples(some, before, after))
}

/** `before` + `(?, ?), (?, ?), …` + `after`, with at least one tuple. */
export function joinTuples(tuples: readonly (readonly Value[])[], before: string, after: string): Prisma.Sql {
  const values = tuples.flat()
  const strings = new Array<string>(values.length + 1).fill(', ')
  for (let at = 0, n = 0; n < tuples.length; at += tuples[n]?.length ?? 0, n++) strings[at] = '), ('
  strings[0] = `${before}(`
  strings[values.length] = `)${after}`
  return new Prisma.Sql(strings, values)
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
