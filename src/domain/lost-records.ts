import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { RunRecord } from '../wire/record.ts'
import { relistSoon } from './listing.ts'
import type { UnfinishedRecord } from './record-ledger.ts'
import { isLegacyDaemon, type ServerState } from './server-state.ts'
import { pollServer } from './servers.ts'
import { takeAnswers } from './take-news.ts'
import type { World } from './world.ts'

/** After this long without a sign of life, the daemon is asked. */
export const SILENT_AFTER_MS = 60_000
/** After this long without an answer, the record is lost. */
export const LOST_AFTER_MS = 5 * 60_000
/** What is found is stored after so many questions. */
const ASKED_TOGETHER = 50

/**
 * Asks the daemons about silent records and marks unknown ones as lost; one background task for each server. A daemon
 * that is known to have more news is not asked: that tells them.
 */
export function checkSilentRuns(world: World): void {
  const silent = world.ledger.listSilent(SILENT_AFTER_MS).filter(({ record: { server, rid } }) => {
    return !world.newsGate.isBehind(server) && !world.newsGate.names(server, rid)
  })
  for (const [server, records] of Map.groupBy(silent, ({ record }) => record.server)) {
    void world.background.run(`ask ${server} about silent runs`, () => checkRecords(world, server, records))
  }
}

async function checkRecords(world: World, server: string, records: UnfinishedRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += ASKED_TOGETHER) {
    const some = records.slice(at, at + ASKED_TOGETHER)
    const found = await findAllNews(world, some)
    await storeFound(world, server, found)
    if (found.length < some.length) return
  }
}

interface FoundNews {
  live: UnfinishedRecord
  /** The daemon's record of the run, or one that says `lost`; undefined if there is nothing new. */
  news: RunRecord | undefined
}

/** Ends before the first run about which there is no answer yet. */
async function findAllNews(world: World, records: readonly UnfinishedRecord[]): Promise<FoundNews[]> {
  const found: FoundNews[] = []
  for (const live of records) {
    const news = await findNews(world, live)
    if (news === 'no answer yet') break
    found.push({ live, news })
  }
  return found
}

async function storeFound(world: World, server: string, found: readonly FoundNews[]): Promise<void> {
  const due = found.flatMap(({ live, news }) => (news && isStillDue(world, live, news) ? news : []))
  const lost = due.filter(({ state }) => state === 'lost')
  if (lost.length > 0) await world.ledger.apply(lost)
  const told = due.filter(({ state }) => state !== 'lost')
  await takeAnswers(world, server, told)
}

/** Whether the daemon's word can be used: a run is not lost if it, or a post that names it, was heard of while we asked. */
function isStillDue(world: World, live: UnfinishedRecord, { state }: RunRecord): boolean {
  return state !== 'lost' || world.ledger.isSilent(live, SILENT_AFTER_MS)
}

/** How long nothing was heard since `at`, ms, without the time in which the controller itself stood still. */
function measureSilence({ clock, stalls }: World, at: number): number {
  return clock.now() - at - stalls.since(at)
}

async function findNews(
  world: World,
  { record, aliveAt }: UnfinishedRecord,
): Promise<FoundNews['news'] | 'no answer yet'> {
  if (world.newsGate.isBehind(record.server)) return 'no answer yet'
  const server = world.servers.get(record.server)
  const waited = measureSilence(world, Math.max(aliveAt, server?.unusablePostAt ?? 0))
  // The first answer shows whether it is a legacy daemon.
  if (server?.debug === null) await pollServer(world, server)
  if (server && isLegacyDaemon(server)) return checkLegacyRun(world, { record, aliveAt }, server)
  try {
    const found = await world.ports.daemon.record(record.server, record.rid)
    return found ?? makeLostRecord(world, record, `The daemon on ${record.server} knows nothing of this run`)
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    if (waited < LOST_AFTER_MS) return 'no answer yet'
    return makeLostRecord(world, record, `No report for ${Math.round(waited / 1000)} s: ${messageOf(error)}`)
  }
}

/**
 * A legacy daemon posts only the start and the end of a run, each up to three times within minutes, so it is silent
 * while something runs. Its run is lost if the daemon has restarted since, has not been reached for LOST_AFTER_MS, or
 * has reported for LOST_AFTER_MS that nothing runs.
 */
function checkLegacyRun(
  world: World,
  { record, aliveAt }: UnfinishedRecord,
  { debug, silentSince, idle }: ServerState,
): RunRecord | undefined {
  const on = `The daemon on ${record.server}`
  if (Date.parse(debug?.startTime ?? '') >= readRunStart(record))
    return makeLostRecord(world, record, `${on} was restarted while this ran`)
  if (silentSince !== null && measureSilence(world, silentSince) >= LOST_AFTER_MS)
    return makeLostRecord(world, record, `${on} has not been reached since ${isoTime(silentSince)}`)
  if (!idle) return undefined
  const since = Math.max(idle.since, aliveAt)
  if (idle.until - since - world.stalls.since(since) < LOST_AFTER_MS) return undefined
  const server = world.servers.get(record.server)
  if (server) relistSoon(world, server)
  return makeLostRecord(
    world,
    record,
    `${on} reports that nothing is running, but never reported the end of this run: check whether the backup exists`,
  )
}

/** Start of the run by the daemon's clock, unix ms: from its first post, before that from its rid, rounded up to 1 s. */
function readRunStart({ state, rid, start }: RunRecord): number {
  return state === 'queued' ? (Number(rid.slice(0, -32)) + 1) * 1000 : Date.parse(start)
}

function makeLostRecord(world: World, record: RunRecord, reason: string): RunRecord {
  return { ...record, state: 'lost', reason, error: null, end: isoTime(world.clock.now()), progress: null }
}
