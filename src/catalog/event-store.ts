import type { Db } from './database.ts'
import type { KeptRecord } from './read-records.ts'
import { recordOf } from './record-rows.ts'

export interface EventQuery {
  after: number
  limit: number
  rid?: string
  app?: string
}

/** Changes of state, each with the record as it then stood, oldest first. */
export async function eventsSince(db: Db, { after, limit, rid, app }: EventQuery): Promise<KeptRecord[]> {
  const rows = await db.recordEvent.findMany({
    where: { seq: { gt: after }, rid, app },
    orderBy: { seq: 'asc' },
    take: limit,
    select: { seq: true, rid: true, json: true },
  })
  return rows.map((row) => ({ record: recordOf(row.rid, row.json), eventSeq: row.seq }))
}
