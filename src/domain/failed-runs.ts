import { describeFailure, readRunKey } from '../wire/failed-run.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { tellsFailures } from './server-state.ts'
import type { World } from './world.ts'

const SOURCE = 'runs'
const ONE_OFF_MS = 24 * 3_600_000

/**
 * Failures that no daemon tells of: runs that are lost, and all runs of daemons that do not tell failures. Each is a
 * line in the log and a problem of its server, until the next run with the same key, or the end of its job.
 */
export function noteOutcome(world: World, record: RunRecord): void {
  if (!isTerminal(record.state) || record.state === 'cancelled') return
  world.problems.clear(SOURCE, keyOf(record))
  if (!isOursToTell(world, record)) return
  const { rid, server } = record
  world.log.error({ rid, server }, `${server}: ${describeFailure(record)}`)
  report(world, record)
}

/** What was a problem when the controller stopped. A daemon's first answer says what kind it is. */
export async function recallOutcomes(world: World, server: string): Promise<void> {
  const jobs = world.inventory.plan.jobsByServer.get(server) ?? []
  const last = await world.ports.records.lastOfJobs(jobs.map(({ id }) => id))
  for (const record of last.values()) if (isOursToTell(world, record)) report(world, record)
}

/** Problems of jobs that left the inventory are gone with them. */
export function dropOldOutcomes(world: World): void {
  const reported = world.problems.list().filter(({ source, untilMs }) => source === SOURCE && !untilMs)
  if (reported.length === 0) return
  const planned = [...world.inventory.plan.jobs.values()]
  const keys = new Set(planned.map(({ server, id, job }) => keyOf({ ...job, server, jobId: id })))
  for (const { key } of reported) if (!keys.has(key)) world.problems.clear(SOURCE, key)
}

function isOursToTell({ servers }: World, { server, state }: RunRecord): boolean {
  if (state === 'lost') return true
  const known = servers.get(server)
  return known?.debug != null && !tellsFailures(known) && (state === 'failed' || state === 'partial')
}

function report({ problems, clock }: World, record: RunRecord): void {
  const untilMs = record.jobId === '' ? { untilMs: clock.now() + ONE_OFF_MS } : {}
  const text = describeFailure(record)
  problems.report({ source: SOURCE, key: keyOf(record), about: record.server, text, ...untilMs })
}

function keyOf(record: Pick<RunRecord, 'server' | 'action' | 'args' | 'jobId'>): string {
  return `${record.server} ${readRunKey(record)}`
}
