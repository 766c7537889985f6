import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { RunRecord } from '../wire/record.ts'
import { relistSoon } from './listing.ts'
import type { LiveRecord } from './record-ledger.ts'
import { isOriginal, type ServerState } from './server-state.ts'
import { pollServer } from './servers.ts'
import type { World } from './world.ts'

/** Without a sign of life for so long, the daemon is asked. */
export const SILENT_AFTER_MS = 60_000
/** Without an answer either for so long, the record is lost. */
export const LOST_AFTER_MS = 5 * 60_000

/** Asks after silent records and calls lost what nobody knows of; each server by itself. */
export function checkSilent(world: World): void {
  const silent = world.ledger.silent(SILENT_AFTER_MS)
  for (const [server, records] of Map.groupBy(silent, ({ record }) => record.server)) {
    void world.background.run(`ask ${server} after silent runs`, () => askAfter(world, records))
  }
}

async function askAfter(world: World, records: LiveRecord[]): Promise<void> {
  for (const live of records) {
    const word = await wordOn(world, live)
    if (word === 'no answer yet') return
    if (word) await world.ledger.take([word])
  }
}

/** The daemon's word, or `lost` in its place. */
async function wordOn(
  world: World,
  { record, heardAt }: LiveRecord,
): Promise<RunRecord | 'no answer yet' | undefined> {
  const server = world.servers.get(record.server)
  const waited = world.clock.now() - heardAt
  // What kind it is, its first answer tells.
  if (server?.debug === null) await pollServer(world, server)
  if (server && isOriginal(server)) return wordOnOriginal(world, { record, heardAt }, server)
  try {
    const told = await world.ports.daemon.record(record.server, record.rid)
    return told ?? lost(world, record, `The daemon on ${record.server} knows nothing of this run`)
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    if (waited < LOST_AFTER_MS) return 'no answer yet'
    return lost(
      world,
      record,
      `Nothing was heard of it for ${Math.round(waited / 1000)} s: ${messageOf(error)}`,
    )
  }
}

/**
 * An original daemon tells the begin and the end, each three times within minutes, and nothing between: its silence
 * says nothing while something runs there. A run is lost where the daemon has restarted since, has not been reached
 * for long, or has said for long that nothing runs.
 */
function wordOnOriginal(
  world: World,
  { record, heardAt }: LiveRecord,
  { debug, silentSince, idle }: ServerState,
): RunRecord | undefined {
  const now = world.clock.now()
  const on = `The daemon on ${record.server}`
  if (Date.parse(debug?.startTime ?? '') >= beganThere(record))
    return lost(world, record, `${on} was restarted while this ran`)
  if (silentSince !== null && now - silentSince >= LOST_AFTER_MS)
    return lost(world, record, `${on} has not been reached since ${isoTime(silentSince)}`)
  if (!idle || idle.until - Math.max(idle.since, heardAt) < LOST_AFTER_MS) return undefined
  const server = world.servers.get(record.server)
  if (server) relistSoon(world, server)
  return lost(
    world,
    record,
    `${on} says that nothing runs there any more, and its word on the end never came: see whether the backup is there`,
  )
}

/** Unix ms by the daemon's own clock: its first post says when, before that the rid that it made does, to the second. */
function beganThere({ state, rid, start }: RunRecord): number {
  return state === 'queued' ? (Number(rid.slice(0, -32)) + 1) * 1000 : Date.parse(start)
}

function lost(world: World, record: RunRecord, reason: string): RunRecord {
  return { ...record, state: 'lost', reason, error: null, end: isoTime(world.clock.now()), progress: null }
}
