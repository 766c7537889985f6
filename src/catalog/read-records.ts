import type { KeptRecord } from '../domain/ports.ts'
import { makeList } from './bulk-rows.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'
import { parseStoredRecord, type StoredRecord } from './record-rows.ts'

/** Reads records from disk; unknown ones are left out. */
export async function readKept(db: DbTransaction, rids: readonly string[]): Promise<Map<string, KeptRecord>> {
  const kept = new Map<string, KeptRecord>()
  for (const some of splitIntoLists(rids))
    for (const each of await readWhere(db, Prisma.sql`r."rid" IN ${makeList(some)}`))
      kept.set(each.record.rid, each)
  return kept
}

/** Reads the records that meet a condition of the row `r`. */
export async function readWhere(db: DbTransaction, condition: Prisma.Sql): Promise<KeptRecord[]> {
  const rows = await db.$queryRaw<(StoredRecord & { eventSeq: number })[]>`
    SELECT r."rid", r."server", r."jobId", r."action", r."state", r."startKey", r."eventSeq",
      coalesce(r."json", b."json") AS "json", c."json" AS "content"
    FROM "Record" r LEFT JOIN "RecordBody" b ON b."rid" = r."rid"
    LEFT JOIN "JobContent" c ON c."jobId" = r."jobId"
    WHERE ${condition}`
  return rows.map(({ eventSeq, ...row }) => {
    return { record: parseStoredRecord(row), eventSeq: Number(eventSeq) }
  })
}

/** The server of each run on disk; does not read the bodies. */
export async function readServers(db: CatalogDb, rids: readonly string[]): Promise<Map<string, string>> {
  const servers = new Map<string, string>()
  for (const some of splitIntoLists(rids)) {
    const rows = await db.$queryRaw<{ rid: string; server: string }[]>`
      SELECT "rid", "server" FROM "Record" WHERE "rid" IN ${makeList(some)}`
    for (const { rid, server } of rows) servers.set(rid, server)
  }
  return servers
}
