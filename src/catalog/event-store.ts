import type { KeptRecord } from '../domain/ports.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { parseRecord } from './record-rows.ts'

export interface EventQuery {
  after: number
  limit: number
  rid?: string
  app?: string
}

/** Changes of state, oldest first, each with the record as it was then. */
export async function readEventsSince(
  db: CatalogDb,
  { after, limit, rid, app }: EventQuery,
): Promise<KeptRecord[]> {
  const rows = await db.recordEvent.findMany({
    where: { seq: { gt: after }, rid, app },
    orderBy: { seq: 'asc' },
    take: limit,
    select: { seq: true, rid: true, json: true },
  })
  return rows.map((row) => ({ record: parseRecord(row.rid, row.json), eventSeq: row.seq }))
}

const PRUNED_KEY = 'events pruned up to'

/** All changes of state with a higher number are stored. */
export async function prunedUpTo(db: CatalogDb | DbTransaction): Promise<number> {
  const mark = await db.meta.findUnique({ where: { key: PRUNED_KEY } })
  return Number(mark?.value ?? 0)
}

/** Call it in the transaction that removes the events. */
export async function markPruned(db: DbTransaction, upTo: number): Promise<void> {
  const value = String(upTo)
  await db.meta.upsert({ where: { key: PRUNED_KEY }, create: { key: PRUNED_KEY, value }, update: { value } })
}

/** Adds the mark to an older catalog, which may have been pruned up to its oldest event, or completely. */
export async function addPrunedMark(db: CatalogDb, lastGiven: number): Promise<void> {
  if (await db.meta.findUnique({ where: { key: PRUNED_KEY } })) return
  const oldest = await db.recordEvent.findFirst({ orderBy: { seq: 'asc' }, select: { seq: true } })
  await db.$transaction((transaction) => markPruned(transaction, oldest ? oldest.seq - 1 : lastGiven))
}
