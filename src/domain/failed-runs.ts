import { DAY_MS } from '../lib/time-units.ts'
import { describeFailure, isOfOneBackup, readRunKey } from '../wire/failed-run.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { reportsFailures } from './server-state.ts'
import type { World } from './world.ts'

const SOURCE = 'runs'
const ONE_OFF_MS = DAY_MS

/**
 * Reports failures that no daemon reports: lost runs, and all failed runs of daemons without the capability `failures`.
 * Each is logged and is a problem of its server until the next run with the same key, or until its job is gone.
 */
export function noteOutcome(world: World, record: RunRecord): void {
  if (!isTerminal(record.state) || record.state === 'cancelled') return
  world.problems.clear(SOURCE, makeKey(record))
  if (!isOursToReport(world, record)) return
  const { rid, server } = record
  world.log.error({ rid, server }, `${server}: ${describeFailure(record)}`)
  report(world, record)
}

/** Clears the problem of a lost run that goes on. */
export function clearLost(world: World, record: RunRecord): void {
  world.problems.clear(SOURCE, makeKey(record))
}

/** Restores the problems after a restart. Call it after the daemon's first answer, which shows its capabilities. */
export async function restoreOutcomes(world: World, server: string): Promise<void> {
  const jobs = world.inventory.plan.jobsByServer.get(server) ?? []
  const last = await world.ports.records.lastOfJobs(jobs.map(({ id }) => id))
  for (const record of last.values()) if (isOursToReport(world, record)) report(world, record)
}

/** Clears the problems of jobs that left the inventory. */
export function dropOldOutcomes(world: World): void {
  const reported = world.problems.list().filter(({ source, untilMs }) => source === SOURCE && !untilMs)
  if (reported.length === 0) return
  const servers = new Set(reported.map(({ about = '' }) => about))
  const planned = [...servers].flatMap((server) => world.inventory.plan.jobsByServer.get(server) ?? [])
  const keys = new Set(planned.map(({ server, id, job }) => makeKey({ ...job, server, jobId: id })))
  for (const { key } of reported) if (!keys.has(key)) world.problems.clear(SOURCE, key)
}

function isOursToReport({ servers }: World, { server, state }: RunRecord): boolean {
  if (state === 'lost') return true
  const known = servers.get(server)
  return known?.debug != null && !reportsFailures(known) && (state === 'failed' || state === 'partial')
}

function report({ problems, clock }: World, record: RunRecord): void {
  const isOneOff = record.jobId === '' || isOfOneBackup(record)
  const untilMs = isOneOff ? { untilMs: clock.now() + ONE_OFF_MS } : {}
  const text = describeFailure(record)
  problems.report({ source: SOURCE, key: makeKey(record), about: record.server, text, ...untilMs })
}

function makeKey(record: Pick<RunRecord, 'server' | 'action' | 'args' | 'jobId'>): string {
  return `${record.server} ${readRunKey(record)}`
}
