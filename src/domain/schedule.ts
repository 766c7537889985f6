import { isDeepStrictEqual } from 'node:util'
import { NEVER } from '../lib/clock.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Job, JobTimes, ScheduledJob } from '../wire/job.ts'
import { expireJobId } from './expire-job.ts'
import type { PollRequest } from './ports.ts'
import type { ServerState } from './server-state.ts'
import type { World } from './world.ts'

/**
 * Makes our copy of the daemon's jobs and times as new as the daemon's answer: by what the answer says has changed, or
 * else by reading the whole list. A daemon without versions is asked for its list each time.
 */
export async function updateSchedule(world: World, server: ServerState): Promise<void> {
  server.scheduleStale = false
  server.scheduleReadAt = world.clock.now()
  if (!isListCurrent(server) && !applyTimes(server)) await readSchedule(world, server)
}

/** The same, after asking the daemon what has changed. */
export async function refreshSchedule(world: World, server: ServerState): Promise<void> {
  server.debug = await world.ports.daemon.debug(server.ip, readKnownVersion(server))
  await updateSchedule(world, server)
}

/** For a request to a daemon that reports versions; empty for another one. */
export function readKnownVersion({ debug, listVersion }: ServerState): PollRequest {
  return debug?.listVersion === undefined ? {} : { listVersion: listVersion ?? '' }
}

/** Reads the whole list with its times, and notes which of our jobs the daemon dropped. */
async function readSchedule(world: World, server: ServerState): Promise<void> {
  const version = server.debug?.listVersion ?? null
  const listed = await world.ports.daemon.jobs(server.ip)
  const known = new Map(world.inventory.plan.jobsByServer.get(server.ip)?.map(({ id, job }) => [id, job]))
  server.schedule = await doInSlices(joinWithPlan(server.ip, listed, known))
  server.dropped = server.leaving ? new Map() : findDroppedJobs(world, server)
  server.listVersion = version
}

/** Keeps no second copy of what is equal in the plan: most of the memory that a job takes. */
function* joinWithPlan(
  ip: string,
  listed: ScheduledJob[],
  known: ReadonlyMap<string, Job>,
): Interruptible<Map<string, ScheduledJob>> {
  const schedule = new Map<string, ScheduledJob>()
  for (const scheduled of listed) {
    const id = toUserId(ip, scheduled)
    const planned = known.get(id)
    schedule.set(planned?.id || id, planned ? shareJob(scheduled, planned) : scheduled)
    yield
  }
  return schedule
}

function shareJob(scheduled: ScheduledJob, planned: Job): ScheduledJob {
  const { sleep } = scheduled.job
  const expected = sleep === planned.sleep ? planned : { ...planned, sleep }
  return isDeepStrictEqual(scheduled.job, expected) ? { ...scheduled, job: expected } : scheduled
}

/** Forgets the list, so that it is read again. */
export function forgetSchedule(server: ServerState): void {
  server.schedule = new Map()
  server.listVersion = null
}

function isListCurrent({ debug, listVersion }: ServerState): boolean {
  return listVersion !== null && debug?.listVersion === listVersion
}

/** @returns false if the answer does not say what has changed */
function applyTimes(server: ServerState): boolean {
  const { debug, listVersion } = server
  if (!debug?.times || debug.listVersion === undefined || listVersion === null) return false
  const changed = debug.times.map((times) => joinTimes(server, times))
  if (changed.includes(undefined)) return false
  for (const scheduled of changed)
    if (scheduled) server.schedule.set(toUserId(server.ip, scheduled), scheduled)
  server.listVersion = debug.listVersion
  return true
}

/** Applies the times that came with news of runs, unless they are older than those that are known. */
export function applyNewsTimes(server: ServerState, news: readonly JobTimes[]): void {
  for (const times of news) {
    const scheduled = joinTimes(server, times)
    if (!scheduled) continue
    const id = toUserId(server.ip, scheduled)
    const known = server.schedule.get(id)?.prev ?? NEVER
    if (Date.parse(times.prev) >= Date.parse(known)) server.schedule.set(id, scheduled)
  }
}

/** undefined for a job that is not known. */
function joinTimes(server: ServerState, { id, prev, next, sleep }: JobTimes): ScheduledJob | undefined {
  const known = server.schedule.get(id) ?? server.schedule.get(expireJobId(server.ip))
  return known?.job.id === id ? { prev, next, job: { ...known.job, sleep } } : undefined
}

function toUserId(server: string, { job }: ScheduledJob): string {
  return job.id === '' && job.action === 'backup_expire' ? expireJobId(server) : job.id
}

function findDroppedJobs(world: World, server: ServerState): Map<string, string> {
  const dropped = new Map<string, string>()
  for (const planned of world.inventory.plan.jobsByServer.get(server.ip) ?? []) {
    if (server.schedule.has(planned.id)) continue
    const { action, spec } = planned.job
    const of = planned.volume ? `of ${planned.volume.name} (${planned.volume.proc})` : `of the server`
    dropped.set(
      planned.id,
      `The daemon does not run the job "${spec}" ${action} ${of}: see that the spec is a schedule and the path allowed`,
    )
  }
  return dropped
}
