import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { RunRecord } from '../wire/record.ts'
import { relistSoon } from './listing.ts'
import type { UnfinishedRecord } from './record-ledger.ts'
import { isLegacyDaemon, type ServerState } from './server-state.ts'
import { pollServer } from './servers.ts'
import type { World } from './world.ts'

/** After this long without a sign of life, the daemon is asked. */
export const SILENT_AFTER_MS = 60_000
/** After this long without an answer, the record is lost. */
export const LOST_AFTER_MS = 5 * 60_000

/** Asks the daemons about silent records and marks unknown ones as lost; one background task for each server. */
export function checkSilentRuns(world: World): void {
  const silent = world.ledger
    .listSilent(SILENT_AFTER_MS)
    .filter(({ record }) => !world.newsGate.names(record.server, record.rid))
  for (const [server, records] of Map.groupBy(silent, ({ record }) => record.server)) {
    void world.background.run(`ask ${server} about silent runs`, () => checkRecords(world, records))
  }
}

async function checkRecords(world: World, records: UnfinishedRecord[]): Promise<void> {
  for (const live of records) {
    const news = await findNews(world, live)
    if (news === 'no answer yet') return
    if (news && isStillDue(world, live, news)) await world.ledger.apply([news])
  }
}

/** Whether the daemon's word can be used: a run is not lost if it, or a post that names it, was heard of while we asked. */
function isStillDue(world: World, live: UnfinishedRecord, { state }: RunRecord): boolean {
  return state !== 'lost' || world.ledger.isSilent(live, SILENT_AFTER_MS)
}

/** How long nothing was heard since `at`, ms, without the time in which the controller itself stood still. */
function measureSilence({ clock, stalls }: World, at: number): number {
  return clock.now() - at - stalls.since(at)
}

/** The daemon's record of the run, or one that says `lost`; undefined if there is nothing new. */
async function findNews(
  world: World,
  { record, aliveAt }: UnfinishedRecord,
): Promise<RunRecord | 'no answer yet' | undefined> {
  const server = world.servers.get(record.server)
  const waited = measureSilence(world, aliveAt)
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
