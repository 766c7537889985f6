import type { CorruptBackups } from '../domain/ports.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'

/** How many corrupt backups of a kind are named in a namespace; the others are only counted. */
const MAX_LISTED = 3

interface CorruptRow {
  server: string
  name: string
  found: bigint | number
  unreadable: bigint | number
}

/**
 * The backups known to be corrupt, of one namespace or of all; those whose manifest cannot be read, as
 * hasUnreadableManifest says, are counted apart. Reads Backup_corrupt_idx, which has only these.
 */
export async function countCorrupt(db: CatalogDb, server?: string): Promise<CorruptBackups[]> {
  const ofServer = server === undefined ? Prisma.empty : Prisma.sql`AND "server" = ${server}`
  const rows = await db.$queryRaw<CorruptRow[]>`
    SELECT "server", "unreadable", "name", "found" FROM (
      SELECT *, COUNT(*) OVER (PARTITION BY "server", "unreadable") AS "found",
        ROW_NUMBER() OVER (PARTITION BY "server", "unreadable" ORDER BY "createdKey" DESC) AS "no"
      FROM (SELECT "server", "name", "createdKey", ("rid" IS NULL AND "series" IS NULL) AS "unreadable"
        FROM "Backup" WHERE "corrupt" IS NOT NULL ${ofServer}) AS corrupt) AS numbered
    WHERE "no" <= ${MAX_LISTED} ORDER BY "server", "unreadable", "no"`
  return [...Map.groupBy(rows, (row) => `${row.server} ${row.unreadable}`).values()].flatMap(toCounts)
}

function toCounts(rows: CorruptRow[]): CorruptBackups[] {
  const [first] = rows
  if (!first) return []
  const { server, found, unreadable } = first
  const names = rows.map(({ name }) => name)
  return [{ server, isUnreadable: Number(unreadable) === 1, count: Number(found), names }]
}
