import type { KeptRecord } from '../domain/ports.ts'
import { makeList } from './bulk-rows.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { splitIntoLists } from './numbers.ts'
import { parseStoredRecord, type StoredRecord } from './record-rows.ts'

/** Reads records from disk; unknown ones are left out. */
export async function readKept(db: DbTransaction, rids: readonly string[]): Promise<Map<string, KeptRecord>> {
  const kept = new Map<string, KeptRecord>()
  for (const some of splitIntoLists(rids)) {
    const rows = await db.$queryRaw<(StoredRecord & { eventSeq: number })[]>`
      SELECT r."rid", r."server", r."jobId", r."action", r."state", r."startKey", r."eventSeq",
        coalesce(r."json", b."json") AS "json", c."json" AS "content"
      FROM "Record" r LEFT JOIN "RecordBody" b ON b."rid" = r."rid"
      LEFT JOIN "JobContent" c ON c."jobId" = r."jobId"
      WHERE r."rid" IN ${makeList(some)}`
    for (const { eventSeq, ...row } of rows)
      kept.set(row.rid, { record: parseStoredRecord(row), eventSeq: Number(eventSeq) })
  }
  return kept
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
