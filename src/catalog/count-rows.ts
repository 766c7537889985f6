import { capCount, type ListCount, MAX_COUNT } from '../wire/listing.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'

type Bounds = { in?: readonly unknown[]; gte?: unknown; lt?: unknown }

/**
 * Counts the rows of a table that match all conditions, up to the limit of counts. Raw SQL, because Prisma's count()
 * reads the id of each row from the table, although an index has all that is needed.
 */
export async function countRows(
  db: CatalogDb,
  table: Prisma.ModelName,
  where: Readonly<Record<string, unknown>>,
): Promise<ListCount> {
  const conditions = Object.entries(where).flatMap(([column, value]) => printConditions(column, value))
  const filter = conditions.length > 0 ? Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}` : Prisma.empty
  const rows = await db.$queryRaw<{ found: bigint | number }[]>`
    SELECT COUNT(*) AS found
    FROM (SELECT 1 AS one FROM ${quote(table)} ${filter} LIMIT ${MAX_COUNT + 1}) AS matching`
  return capCount(Number(rows[0]?.found ?? 0))
}

/** A condition as Prisma writes it: a value, `{ in }`, `{ gte, lt }`, or undefined for none. */
function printConditions(name: string, value: unknown): Prisma.Sql[] {
  if (value === undefined) return []
  const column = quote(name)
  if (typeof value !== 'object' || value === null) return [Prisma.sql`${column} = ${value}`]
  const { in: list, gte, lt } = value as Bounds
  return [
    ...(list === undefined ? [] : [isAmong(column, list)]),
    ...(gte === undefined ? [] : [Prisma.sql`${column} >= ${gte}`]),
    ...(lt === undefined ? [] : [Prisma.sql`${column} < ${lt}`]),
  ]
}

function isAmong(column: Prisma.Sql, list: readonly unknown[]): Prisma.Sql {
  return list.length === 0 ? Prisma.sql`1 = 0` : Prisma.sql`${column} IN (${Prisma.join([...list])})`
}

/** Names come from our own code, never from a request. */
function quote(name: string): Prisma.Sql {
  return Prisma.raw(`"${name}"`)
}
