import type { CorruptBackups } from '../domain/ports.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'

/** How many corrupt backups of a namespace are named; the others are only counted. */
const MAX_LISTED = 3

interface CorruptRow {
  server: string
  name: string
  found: bigint | number
}

/**
 * The backups known to be corrupt, of one namespace or of all; a namespace without one is left out. Reads
 * Backup_corrupt_idx, which has only these.
 */
export async function countCorrupt(db: CatalogDb, server?: string): Promise<CorruptBackups[]> {
  const ofServer = server === undefined ? Prisma.empty : Prisma.sql`AND "server" = ${server}`
  const rows = await db.$queryRaw<CorruptRow[]>`
    SELECT "server", "name", "found" FROM (
      SELECT "server", "name", COUNT(*) OVER (PARTITION BY "server") AS "found",
        ROW_NUMBER() OVER (PARTITION BY "server" ORDER BY "createdKey" DESC) AS "no"
      FROM "Backup" WHERE "corrupt" IS NOT NULL ${ofServer}) AS numbered
    WHERE "no" <= ${MAX_LISTED} ORDER BY "server", "no"`
  return [...Map.groupBy(rows, (row) => row.server)].map(([found, own]) => {
    return { server: found, count: Number(own[0]?.found), names: own.map(({ name }) => name) }
  })
}
