import type { KeptRecord } from '../domain/ports.ts'
import { canRun } from '../wire/actions.ts'
import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { parseStoredRecord, type StoredRecord } from './record-rows.ts'
import { type JobContent, printSlimRecord } from './slim-record.ts'

export interface EventQuery {
  after: number
  limit: number
  rid?: string
  app?: string
}

/**
 * Changes of state, oldest first, each with the record as it was then. If news gave a record another job or action, which
 * daemons do not do, its earlier events have the new ones.
 */
export async function readEventsSince(
  db: CatalogDb,
  { after, limit, rid, app }: EventQuery,
): Promise<KeptRecord[]> {
  const ofRun = rid === undefined ? Prisma.empty : Prisma.sql`AND e."rid" = ${rid}`
  const ofApp = app === undefined ? Prisma.empty : Prisma.sql`AND e."app" = ${app}`
  const rows = await db.$queryRaw<EventRow[]>`
    SELECT e."seq", e."rid", r."server", r."jobId", r."action", r."startKey",
      coalesce(nullif(e."json", ''), r."json", b."json") AS "json",
      CASE WHEN e."json" = '' THEN r."state" END AS "state", c."json" AS "content"
    FROM "RecordEvent" e LEFT JOIN "Record" r ON r."rid" = e."rid" LEFT JOIN "RecordBody" b ON b."rid" = e."rid"
    LEFT JOIN "JobContent" c ON c."jobId" = r."jobId"
    WHERE e."seq" > ${after} ${ofRun} ${ofApp} ORDER BY e."seq" LIMIT ${limit}`
  return rows.map(({ seq, state, ...row }) => ({
    record: parseStoredRecord({ ...row, state: state ?? undefined }),
    eventSeq: Number(seq),
  }))
}

interface EventRow extends Omit<StoredRecord, 'state'> {
  seq: number
  state: RunRecord['state'] | null
}

/** The end of a run never changes, so its event is the stored record. @param content of its job, if it is stored */
export function makeEventRow(
  { record, eventSeq }: KeptRecord,
  at: number,
  content: JobContent | undefined,
): Prisma.RecordEventCreateManyInput {
  const { rid } = record
  const isFinal = !canRun('replace', record.state)
  const json = isFinal ? '' : printSlimRecord(record, { ...record, state: undefined }, content)
  return { seq: eventSeq, rid, app: findApp(record), at, json }
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
