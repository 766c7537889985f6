import type { KeptRecord } from '../domain/ports.ts'
import { applyNews } from '../wire/apply-news.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { findForeignPart } from '../wire/record-sender.ts'
import { applyBackupNews, collectBackupNews } from './backup-news.ts'
import { insertRows } from './bulk-rows.ts'
import { EVENT_TABLE, MOVED_RECORD_TABLE, RECORD_TABLE } from './bulk-tables.ts'
import type { DbTransaction } from './database.ts'
import { makeEventRow } from './event-store.ts'
import { findJobContents, type JobContents, writeJobContents } from './job-contents.ts'
import { refreshJobLast } from './newest.ts'
import { readKept } from './read-records.ts'
import { isSameRow, makeRecordRow, makeStartKey } from './record-rows.ts'
import { printSlimRecord } from './slim-record.ts'
import type { RecordWorld } from './world.ts'

/**
 * Applies news to the known records. Changes of state are on disk when it resolves, in one transaction with the backups
 * in them. Mere progress is kept in memory only; after a restart the daemon sends it again. Runs in the write queue.
 * @returns all that is new, and the changes of state in it: each is an event
 */
export async function storeNews(
  world: RecordWorld,
  news: RunRecord[],
): Promise<{ kept: KeptRecord[]; changes: KeptRecord[] }> {
  const live = findLive(world, news)
  const isProgress = news.every(({ rid, state }) => live.get(rid)?.record.state === state)
  const { changes, progress, writes } = isProgress
    ? { ...applyInOrder(world, live, news), writes: [] }
    : await world.db.$transaction((transaction) => applyOnDisk(world, transaction, news))
  for (const write of writes) rememberStored(world, write)
  const kept = [...changes, ...progress].sort((a, b) => a.eventSeq - b.eventSeq)
  for (const change of kept) remember(world, change)
  return { kept, changes }
}

function findLive({ live }: RecordWorld, news: RunRecord[]): Map<string, KeptRecord> {
  return new Map(
    news.flatMap(({ rid }) => {
      const kept = live.get(rid)
      return kept ? [[rid, kept]] : []
    }),
  )
}

/** Reads inside the transaction too: outside, news would wait for the lists that are being read. */
async function applyOnDisk(world: RecordWorld, transaction: DbTransaction, news: RunRecord[]) {
  const live = findLive(world, news)
  const unread = new Set(news.map(({ rid }) => rid).filter((rid) => !live.has(rid)))
  const known = new Map([...(await readKept(transaction, [...unread])), ...live])
  const { newest, changes, progress } = applyInOrder(world, known, news)
  const rids = new Set(changes.map(({ record }) => record.rid))
  const writes = [...newest.values()]
    .filter(({ record }) => rids.has(record.rid))
    .map((kept) => makeWrite(world, kept, known.get(kept.record.rid)))
  await writeChanges(transaction, { changes, writes, now: world.clock.now() })
  return { changes, progress, writes }
}

interface NewsWrite {
  changes: KeptRecord[]
  /** The newest version of each record that changed. */
  writes: RecordWrite[]
  now: number
}

async function writeChanges(transaction: DbTransaction, { changes, writes, now }: NewsWrite): Promise<void> {
  if (changes.length === 0) return
  const contents = await findJobContents(transaction, changes)
  await writeJobContents(transaction, contents)
  await writeRecords(transaction, writes, contents)
  const events = changes.map((change) => makeEventRow(change, now, contents.of(change.record)))
  await insertRows(transaction, EVENT_TABLE, events)
  await applyBackupNews(transaction, collectBackupNews(changes), now)
}

/** Sorts the news into changes of state and mere progress; `newest` has the newest version of each record. */
function applyInOrder({ numbers }: RecordWorld, known: ReadonlyMap<string, KeptRecord>, news: RunRecord[]) {
  const newest = new Map(known)
  const changes: KeptRecord[] = []
  const progress: KeptRecord[] = []
  for (const reported of news) {
    if (findForeignPart(reported) !== undefined) continue
    const before = newest.get(reported.rid)?.record
    const record = applyNews(before, reported)
    if (!record) continue
    const kept = { record, eventSeq: numbers.next() }
    newest.set(record.rid, kept)
    const list = before?.state === record.state ? progress : changes
    list.push(kept)
  }
  return { newest, changes, progress }
}

function rememberStored({ stored }: RecordWorld, { record, startKey }: RecordWrite): void {
  if (isTerminal(record.state)) stored.delete(record.rid)
  else stored.set(record.rid, { record, startKey })
}

/** Keeps `live` in the order of the last changes. */
function remember({ live }: RecordWorld, change: KeptRecord): void {
  const { rid, state } = change.record
  live.delete(rid)
  if (!isTerminal(state)) live.set(rid, change)
}

interface RecordWrite extends KeptRecord {
  /** The record as it is on disk; undefined for a new one. */
  before: RunRecord | undefined
  /** On disk, for a new record too; undefined if it was not read. */
  startKey: string | undefined
}

function makeWrite(
  { stored, clock }: RecordWorld,
  kept: KeptRecord,
  known: KeptRecord | undefined,
): RecordWrite {
  const live = stored.get(kept.record.rid)
  const before = live?.record ?? known?.record
  // In a queued record, `start` is the time of the request.
  const startKey = before ? live?.startKey : makeStartKey(kept.record, clock.now())
  return { ...kept, before, startKey }
}

async function writeRecords(
  transaction: DbTransaction,
  writes: RecordWrite[],
  contents: JobContents,
): Promise<void> {
  const isMoved = ({ before, record }: RecordWrite) => before !== undefined && !isSameRow(before, record)
  const toRow = ({ record, eventSeq, startKey }: RecordWrite) => ({
    ...makeRecordRow(record, eventSeq, startKey),
    json: printSlimRecord(record, { ...record, startKey }, contents.of(record)),
  })
  await insertRows(transaction, RECORD_TABLE, writes.filter((write) => !isMoved(write)).map(toRow))
  await insertRows(transaction, MOVED_RECORD_TABLE, writes.filter(isMoved).map(toRow))
  const isNewOfJob = ({ before, record }: RecordWrite) => before?.jobId !== record.jobId
  const jobs = writes.filter(isNewOfJob).flatMap(({ before, record }) => [before?.jobId ?? '', record.jobId])
  await refreshJobLast(transaction, jobs)
}
