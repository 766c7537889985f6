import type { KeptRecord, RecordStore } from '../domain/ports.ts'
import type { Page, RecordFilter, Slice } from '../wire/listing.ts'
import { type RunRecord, UNFINISHED_STATES } from '../wire/record.ts'
import { changeOfNews, NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import { addPrunedMark, prunedUpTo, readEventsSince } from './event-store.ts'
import { findApps } from './find-apps.ts'
import { findLastEnds, findRunLengths } from './find-job-ends.ts'
import { findLastOfJobs } from './find-last-of-jobs.ts'
import { countRecordRows, findRecordRows } from './find-records.ts'
import { forgetRecords } from './forget-records.ts'
import { openPruner, type Prune } from './prune-events.ts'
import { readKept, readServers } from './read-records.ts'
import { storeNews } from './store-news.ts'
import { findForgottenDays, findVolumeRuns } from './volume-runs.ts'
import type { CatalogWorld, RecordWorld } from './world.ts'

export async function openRecordStore(base: CatalogWorld): Promise<RecordStore> {
  const unfinished = await loadLive(base.db)
  const stored = new Map([...unfinished].map(([rid, { record }]) => [rid, { record, startKey: undefined }]))
  const world: RecordWorld = { ...base, live: unfinished, stored }
  const { db, live, numbers } = world
  await addPrunedMark(db, numbers.last())
  const prune = await openPruner(world)
  return {
    apply: (news) => applyAndPrune(world, prune, news),
    get: async (rid) => live.get(rid) ?? (await readEnded(world, rid)),
    getMany: (rids) => readMany(world, rids),
    serversOf: (rids) => readServers(db, rids),
    find: async (filter, page) => withProgress(live, await findPage(world, filter, page)),
    count: (filter) => countRecordRows(db, filter),
    findApps: (prefix, limit) => findApps(db, 'Record', { prefix, limit }),
    lastOfJobs: (jobIds) => findLastOfJobs(world, jobIds),
    lastEnds: (jobIds) => findLastEnds(db, jobIds),
    lengths: (jobIds) => findRunLengths(db, jobIds),
    runsOfVolume: (place, from, to) => findVolumeRuns(db, place, { from, to }),
    forgottenDays: (place, from) => findForgottenDays(db, place, from),
    unfinished: async (server) => {
      const records = [...live.values()].map(({ record }) => record)
      return server === undefined ? records : records.filter((record) => record.server === server)
    },
    unfinishedPages: (size, upTo) => readLivePages(live, size, upTo),
    eventsSince: (seq, filter, limit) => readEventsSince(db, { ...filter, after: seq, limit }),
    keptEvents: async () => ({ after: await prunedUpTo(db), upTo: numbers.last() }),
    nextEventSeq: () => numbers.next(),
    forget: (request) => forgetAndPrune(world, prune, request),
  }
}

async function applyAndPrune(world: RecordWorld, prune: Prune, news: RunRecord[]): Promise<KeptRecord[]> {
  const { kept } = await world.writes.run(
    async () => {
      const stored = await storeNews(world, news)
      await prune(stored.changes.length)
      return stored
    },
    ({ changes }) => changeOfNews(changes),
  )
  return kept
}

function forgetAndPrune(
  world: RecordWorld,
  prune: Prune,
  request: Parameters<RecordStore['forget']>[0],
): ReturnType<RecordStore['forget']> {
  return world.writes.run(
    async () => {
      const { events, ...slice } = await forgetRecords(world, request)
      await prune(-events)
      return slice
    },
    ({ deleted }) => (deleted > 0 ? { records: {} } : NO_CHANGE),
  )
}

function readEnded({ db, caches }: RecordWorld, rid: string): Promise<KeptRecord | undefined> {
  return caches.record.get(rid, { key: rid }, async () => (await readKept(db, [rid])).get(rid))
}

function findPage({ db, caches }: RecordWorld, filter: RecordFilter, page: Page): Promise<Slice<RunRecord>> {
  const key = JSON.stringify([filter, page])
  return caches.records.get(key, filter, () => findRecordRows(db, filter, page))
}

async function readMany(
  { db, live }: RecordWorld,
  rids: readonly string[],
): Promise<Map<string, KeptRecord>> {
  const ended = rids.filter((rid) => !live.has(rid))
  const unfinished = rids.flatMap((rid) => live.get(rid) ?? [])
  return new Map([
    ...(await readKept(db, ended)),
    ...unfinished.map((kept) => [kept.record.rid, kept] as const),
  ])
}

/** A record that has not ended comes from memory, where its progress is. Cached pages need not be dropped for it. */
function withProgress(live: ReadonlyMap<string, KeptRecord>, page: Slice<RunRecord>): Slice<RunRecord> {
  if (!page.items.some(({ node }) => live.has(node.rid))) return page
  const items = page.items.map(({ cursor, node }) => ({ cursor, node: live.get(node.rid)?.record ?? node }))
  return { ...page, items }
}

async function* readLivePages(
  live: ReadonlyMap<string, KeptRecord>,
  size: number,
  upTo: number,
): AsyncGenerator<KeptRecord[]> {
  let page: KeptRecord[] = []
  // The iterator follows changes of the map: a record that changes during the reading moves to the end.
  for (const kept of live.values()) {
    if (kept.eventSeq > upTo) break
    page.push(kept)
    if (page.length < size) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

async function loadLive(db: CatalogDb): Promise<Map<string, KeptRecord>> {
  const rows = await db.record.findMany({
    where: { state: { in: [...UNFINISHED_STATES] } },
    select: { rid: true },
  })
  const kept = await readKept(
    db,
    rows.map(({ rid }) => rid),
  )
  return new Map([...kept].sort(([, one], [, other]) => one.eventSeq - other.eventSeq))
}
