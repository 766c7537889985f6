import { BackupdError } from '../lib/errors.ts'
import { canRun } from '../wire/actions.ts'
import type { RunRecord } from '../wire/record.ts'
import { clearLost } from './failed-runs.ts'
import { takeAnswers } from './take-news.ts'
import type { World } from './world.ts'

/** Limit of runs that are looked up in the catalog after one report; read with one statement. */
const MAX_LOOKED_UP = 500

/**
 * Reads from the daemon the records of runs that it reports as running and that the catalog has as lost, or not at all:
 * they go on, and can be followed and cancelled again. Runs in the background, and asks about a few runs only, because
 * the next report names the others again.
 */
export function reviveRuns(world: World, server: string, running: readonly string[]): void {
  if (!world.newsGate.mayAsk(server)) return
  const unheard = running.filter((rid) => !world.ledger.isLive(rid)).slice(0, MAX_LOOKED_UP)
  if (unheard.length === 0) return
  void world.background.run(`ask ${server} about runs that were lost`, () => revive(world, server, unheard))
}

async function revive(world: World, server: string, unheard: readonly string[]): Promise<void> {
  const known = await world.ports.records.getMany(unheard)
  const asked = unheard
    .filter((rid) => isLostThere(known.get(rid)?.record, server))
    .filter(() => world.polling.revivals.tryStart(0))
  const found = await readFromDaemon(world, server, asked)
  for (const { rid } of await takeAnswers(world, server, found)) {
    const lost = known.get(rid)?.record
    if (!lost) continue
    clearLost(world, lost)
    world.log.info({ server, rid }, 'A run that was lost is alive: its daemon reports it again')
  }
}

function isLostThere(known: RunRecord | undefined, server: string): boolean {
  return !known || (canRun('revive', known.state) && known.server === server)
}

/** The daemon's own runs among these; only the first ones if it stops answering. */
async function readFromDaemon(world: World, server: string, rids: readonly string[]): Promise<RunRecord[]> {
  const found: RunRecord[] = []
  try {
    for (const rid of rids) {
      const record = await world.ports.daemon.record(server, rid)
      if (record?.server === server) found.push(record)
    }
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
  }
  return found
}
