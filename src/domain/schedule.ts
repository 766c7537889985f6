import { isDeepStrictEqual } from 'node:util'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Job, JobTimes, ScheduledJob } from '../wire/job.ts'
import { DaemonSchedule, type ListedJob } from './daemon-schedule.ts'
import type { PlannedJob } from './plan.ts'
import { expireJobId } from './planned-job.ts'
import type { PollRequest } from './ports.ts'
import type { ServerState } from './server-state.ts'
import { takesJob } from './takes-job.ts'
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
  const planned = new Map(world.inventory.plan.jobsByServer.get(server.ip)?.map((job) => [job.id, job]))
  server.schedule = await doInSlices(joinWithPlan(server.ip, listed, planned))
  server.dropped = server.leaving ? new Map() : findDroppedJobs(world, server)
  server.listVersion = version
}

function* joinWithPlan(
  ip: string,
  listed: ScheduledJob[],
  planned: ReadonlyMap<string, PlannedJob>,
): Interruptible<DaemonSchedule> {
  const jobs: ListedJob[] = []
  for (const { prev, next, job } of listed) {
    const id = toUserId(ip, job)
    const known = planned.get(id)
    const { sleep } = job
    const isAsPlanned = known && isDeepStrictEqual(job, { ...known.job, sleep })
    jobs.push({ id: known?.id ?? id, job: isAsPlanned ? known : job, times: { prev, next, sleep } })
    yield
  }
  return new DaemonSchedule(jobs)
}

/** Forgets the list, so that it is read again. */
export function forgetSchedule(server: ServerState): void {
  server.schedule = new DaemonSchedule()
  server.listVersion = null
}

function isListCurrent({ debug, listVersion }: ServerState): boolean {
  return listVersion !== null && debug?.listVersion === listVersion
}

/** @returns false if the answer does not say what has changed */
function applyTimes(server: ServerState): boolean {
  const { debug, listVersion } = server
  if (!debug?.times || debug.listVersion === undefined || listVersion === null) return false
  const changed = debug.times.map((times) => ({ id: findListedId(server, times), times }))
  if (changed.some(({ id }) => id === undefined)) return false
  for (const { id = '', times } of changed) server.schedule.setTimes(id, times)
  server.listVersion = debug.listVersion
  return true
}

/** Applies the times that came with news of runs, unless they are older than those that are known. */
export function applyNewsTimes(server: ServerState, news: readonly JobTimes[]): void {
  for (const times of news) {
    const id = findListedId(server, times)
    if (id === undefined) continue
    const known = server.schedule.readPrevMs(id) ?? Number.NaN
    if (Date.parse(times.prev) >= known) server.schedule.setTimes(id, times)
  }
}

/** The id users see of a job that the daemon lists; undefined for one that it does not list. */
function findListedId({ ip, schedule }: ServerState, { id }: JobTimes): string | undefined {
  const listed = id === '' ? expireJobId(ip) : id
  return schedule.has(listed) ? listed : undefined
}

function toUserId(server: string, job: Job): string {
  return job.id === '' && job.action === 'backup_expire' ? expireJobId(server) : job.id
}

function findDroppedJobs(world: World, server: ServerState): Map<string, string> {
  const dropped = new Map<string, string>()
  for (const planned of world.inventory.plan.jobsByServer.get(server.ip) ?? []) {
    if (server.schedule.has(planned.id) || !takesJob(server, planned)) continue
    const { action, spec } = planned
    const of = planned.volume ? `of ${planned.volume.name} (${planned.volume.proc})` : `of the server`
    dropped.set(
      planned.id,
      `The daemon does not run the job "${spec}" ${action} ${of}: see that the spec is a schedule and the path allowed`,
    )
  }
  return dropped
}
