import { isoTime } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { describeFailure } from '../wire/failed-run.ts'
import { newRid } from '../wire/ids.ts'
import { makeNoOutcome, type RunRecord } from '../wire/record.ts'
import { readRecord, refreshRecord } from './records.ts'
import { isLegacyDaemon } from './server-state.ts'
import type { World } from './world.ts'

/** With these errors the run may have started. */
const UNCERTAIN: ReadonlySet<string> = new Set(['DAEMON_UNREACHABLE', 'TIMED_OUT', 'INTERNAL'])

/** A run that is requested but not yet known to a daemon. */
export type RunDraft = Pick<RunRecord, 'server' | 'jobId' | 'spec' | 'action' | 'args'>

/**
 * Starts a run on a daemon under our own rid. The record is in the catalog before the daemon is asked, so that no run
 * is missed: if refused, it is failed with the daemon's text; without an answer it is lost, because the daemon may have
 * started it, and later news replaces it. `ask` resolves to the rid that the daemon uses.
 */
export async function startRun(
  world: World,
  draft: RunDraft,
  ask: (rid: string) => Promise<string>,
): Promise<RunRecord> {
  const now = world.clock.now()
  const queued = queuedRecord(draft, newRid(now), isoTime(now))
  const server = world.servers.get(draft.server)
  if (server && isLegacyDaemon(server)) return startOnLegacy(world, queued, ask)
  await world.ledger.apply([queued])
  try {
    await ask(queued.rid)
  } catch (error) {
    const end = endUnstarted(world, queued, error)
    if (end.state === 'failed') world.log.warn({ rid: end.rid }, describeFailure(end))
    await world.ledger.apply([end])
    throw error
  }
  return refreshRecord(world, queued)
}

/** A legacy daemon chooses the rid itself, so the record can be stored only after its answer. */
async function startOnLegacy(
  world: World,
  queued: RunRecord,
  ask: (rid: string) => Promise<string>,
): Promise<RunRecord> {
  const record = { ...queued, rid: await ask(queued.rid) }
  await world.ledger.apply([record])
  // Its posts may have arrived before its answer.
  return (await readRecord(world, record.rid)) ?? record
}

function queuedRecord(draft: RunDraft, rid: string, start: string): RunRecord {
  return {
    ...draft,
    rid,
    start,
    seq: 0,
    attempt: 1,
    type: 'once',
    state: 'queued',
    ...makeNoOutcome(),
  }
}

function endUnstarted(world: World, queued: RunRecord, cause: unknown): RunRecord {
  const known = cause instanceof BackupdError
  const code = known ? cause.code : 'INTERNAL'
  const reason = known ? messageOf(cause) : 'A fault of the controller; see its log'
  const state = UNCERTAIN.has(code) ? 'lost' : 'failed'
  const error = { code, message: reason, facts: known ? cause.facts : {} }
  return { ...queued, state, reason, error, end: isoTime(world.clock.now()) }
}
