import type { KeptRecord } from '../domain/ports.ts'
import type { RunRecord } from '../wire/record.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'
import { parseRecord } from './record-rows.ts'

/** Reads records from disk; unknown ones are left out. */
export async function readKept(db: CatalogDb, rids: readonly string[]): Promise<Map<string, KeptRecord>> {
  const kept = new Map<string, KeptRecord>()
  for (const some of splitIntoLists(rids)) {
    const rows = await db.$queryRaw<{ rid: string; eventSeq: number; json: string }[]>`
      SELECT r."rid", r."eventSeq", b."json" FROM "Record" r JOIN "RecordBody" b ON b."rid" = r."rid"
      WHERE r."rid" IN (${Prisma.join(some)})`
    for (const { rid, eventSeq, json } of rows)
      kept.set(rid, { record: parseRecord(rid, json), eventSeq: Number(eventSeq) })
  }
  return kept
}

/** Pass at most a page of rids. */
export async function readRecordRows(db: CatalogDb, rids: string[]): Promise<Map<string, RunRecord>> {
  const bodies = await db.recordBody.findMany({ where: { rid: { in: rids } } })
  return new Map(bodies.map(({ rid, json }) => [rid, parseRecord(rid, json)]))
}

/** The server of each run on disk; does not read the bodies. */
export async function readServers(db: CatalogDb, rids: readonly string[]): Promise<Map<string, string>> {
  const servers = new Map<string, string>()
  for (const some of splitIntoLists(rids)) {
    const rows = await db.record.findMany({
      where: { rid: { in: some } },
      select: { rid: true, server: true },
    })
    for (const { rid, server } of rows) servers.set(rid, server)
  }
  return servers
}
