import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { RunRecord } from '../wire/record.ts'
import type { LiveRecord } from './record-ledger.ts'
import { isOriginal, type ServerState } from './server-state.ts'
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
  if (server && isOriginal(server)) return wordOnOriginal(world, record, server)
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

/** An original daemon tells nothing until the end: a run is lost where it restarted meanwhile, or is not there. */
function wordOnOriginal(
  world: World,
  record: RunRecord,
  { debug, silentSince }: ServerState,
): RunRecord | undefined {
  if (Date.parse(debug?.startTime ?? '') > Date.parse(record.start)) {
    return lost(world, record, `The daemon on ${record.server} was restarted while this ran`)
  }
  if (silentSince === null || world.clock.now() - silentSince < LOST_AFTER_MS) return undefined
  return lost(
    world,
    record,
    `The daemon on ${record.server} has not been reached since ${isoTime(silentSince)}`,
  )
}

function lost(world: World, record: RunRecord, reason: string): RunRecord {
  world.log.warn({ rid: record.rid, server: record.server, reason }, 'A run is lost')
  return { ...record, state: 'lost', reason, error: null, end: isoTime(world.clock.now()), progress: null }
}
