import { BackupdError } from '../lib/errors.ts'
import { can } from '../wire/actions.ts'
import type { RunRecord } from '../wire/record.ts'
import { clearLost } from './failed-runs.ts'
import type { World } from './world.ts'

/**
 * Reads from the daemon the records of runs that it reports as running and that the catalog has as lost, or not at all:
 * they go on, and can be followed and cancelled again. Runs in the background.
 */
export function reviveRuns(world: World, server: string, running: readonly string[]): void {
  const unheard = running.filter((rid) => !world.ledger.isLive(rid))
  if (unheard.length === 0) return
  void world.background.run(`ask ${server} about runs that were lost`, async () => {
    for (const rid of unheard) await revive(world, server, rid)
  })
}

async function revive(world: World, server: string, rid: string): Promise<void> {
  const known = (await world.ports.records.get(rid))?.record
  if (known && !isLostThere(known, server)) return
  const found = await readFromDaemon(world, server, rid)
  if (!found || found.server !== server) return
  await world.ledger.apply([found])
  if (!known) return
  clearLost(world, known)
  world.log.info({ server, rid }, 'A run that was lost is alive: its daemon reports it again')
}

function isLostThere(known: RunRecord, server: string): boolean {
  return can('revive', known.state) && known.server === server
}

/** Undefined also if the daemon gives no answer now: it is asked again with its next report. */
async function readFromDaemon(world: World, server: string, rid: string): Promise<RunRecord | undefined> {
  try {
    return await world.ports.daemon.record(server, rid)
  } catch (error) {
    if (error instanceof BackupdError) return undefined
    throw error
  }
}
