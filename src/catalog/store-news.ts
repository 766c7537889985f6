import type { KeptRecord } from '../domain/ports.ts'
import { findApp } from '../wire/find-app.ts'
import { applyNews, isTerminal, type RunRecord } from '../wire/record.ts'
import { findForeignPart } from '../wire/record-sender.ts'
import { applyBackupNews, collectBackupNews } from './backup-news.ts'
import type { DbTransaction } from './database.ts'
import { splitIntoLists } from './numbers.ts'
import { readKept } from './read-records.ts'
import { makeRecordRow, printRecord } from './record-rows.ts'
import type { RecordWorld } from './world.ts'

/**
 * Applies news to the known records. Changes of state are on disk when it resolves, in one transaction with the backups
 * in them. Mere progress is kept in memory only; after a restart the daemon sends it again. Runs in the write queue.
 */
export async function storeNews(world: RecordWorld, news: RunRecord[]): Promise<KeptRecord[]> {
  const known = await readKnown(world, news)
  const { changes, progress } = applyInOrder(world, known, news)
  if (changes.length > 0) {
    const newest = [...new Set(changes.map(({ record }) => record.rid))].flatMap(
      (rid) => known.get(rid) ?? [],
    )
    await world.db.$transaction(async (transaction) => {
      await writeRecords(transaction, newest)
      await writeEvents(transaction, changes, world.clock.now())
      await applyBackupNews(transaction, collectBackupNews(changes), world.clock.now())
    })
  }
  const kept = [...changes, ...progress].sort((a, b) => a.eventSeq - b.eventSeq)
  for (const change of kept) remember(world.live, change)
  return kept
}

async function readKnown({ db, live }: RecordWorld, news: RunRecord[]): Promise<Map<string, KeptRecord>> {
  const rids = [...new Set(news.map(({ rid }) => rid))]
  const known = await readKept(
    db,
    rids.filter((rid) => !live.has(rid)),
  )
  for (const rid of rids) {
    const kept = live.get(rid)
    if (kept) known.set(rid, kept)
  }
  return known
}

/** Sorts the news into changes of state and mere progress; `known` then has the newest version of each record. */
function applyInOrder({ numbers }: RecordWorld, known: Map<string, KeptRecord>, news: RunRecord[]) {
  const changes: KeptRecord[] = []
  const progress: KeptRecord[] = []
  for (const reported of news) {
    if (findForeignPart(reported) !== undefined) continue
    const before = known.get(reported.rid)?.record
    const record = applyNews(before, reported)
    if (!record) continue
    const kept = { record, eventSeq: numbers.next() }
    known.set(record.rid, kept)
    const list = before?.state === record.state ? progress : changes
    list.push(kept)
  }
  return { changes, progress }
}

function remember(live: Map<string, KeptRecord>, change: KeptRecord): void {
  const { rid, state } = change.record
  if (isTerminal(state)) live.delete(rid)
  else live.set(rid, change)
}

/**
 * Replaces rows, because deleting and inserting in bulk is much faster than single updates. A row keeps its startKey,
 * the time of its request, and so its position in lists.
 */
async function writeRecords(transaction: DbTransaction, newest: KeptRecord[]): Promise<void> {
  for (const some of splitIntoLists(newest)) {
    const rids = some.map(({ record }) => record.rid)
    const earlier = await transaction.record.findMany({
      where: { rid: { in: rids } },
      select: { rid: true, startKey: true },
    })
    const startKeys = new Map(earlier.map(({ rid, startKey }) => [rid, startKey]))
    await transaction.record.deleteMany({ where: { rid: { in: rids } } })
    await transaction.recordBody.deleteMany({ where: { rid: { in: rids } } })
    await transaction.record.createMany({
      data: some.map(({ record, eventSeq }) => makeRecordRow(record, eventSeq, startKeys.get(record.rid))),
    })
    await transaction.recordBody.createMany({
      data: some.map(({ record }) => ({ rid: record.rid, json: printRecord(record) })),
    })
  }
}

async function writeEvents(transaction: DbTransaction, changes: KeptRecord[], at: number): Promise<void> {
  const rows = changes.map(({ record, eventSeq }) => {
    return { seq: eventSeq, rid: record.rid, app: findApp(record), at, json: printRecord(record) }
  })
  for (const some of splitIntoLists(rows)) await transaction.recordEvent.createMany({ data: some })
}
