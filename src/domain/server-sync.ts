import { hasCode } from '../lib/errors.ts'
import { NEWS_PATH } from '../wire/enrolment.ts'
import type { Job } from '../wire/job.ts'
import { findUrlFor } from './enrolment/server-link.ts'
import { hashJobs } from './plan-server.ts'
import { forgetSchedule, readKnownVersion, refreshSchedule, updateSchedule } from './schedule.ts'
import {
  drillsOnSchedule,
  isForeign,
  isLegacyDaemon,
  type ServerState,
  verifiesOnSchedule,
} from './server-state.ts'
import { takesJob } from './takes-job.ts'
import type { World } from './world.ts'

/** Sends the daemon its jobs and our notify address if it lacks them, and reads its schedule. */
export async function syncServer(world: World, server: ServerState): Promise<void> {
  if (isForeign(server)) {
    forgetSchedule(server)
    return
  }
  const asleep = listForgottenSleepers(server)
  if (!server.leaving && !belongsToAnother(world, server)) await register(world, server)
  do {
    if (!(await trySendJobs(world, server))) return
    await updateSchedule(world, server)
  } while (server.sentVersion !== findPlannedVersion(world, server))
  await restoreSleep(world, server, asleep)
}

/**
 * Jobs that slept before the daemon was replaced or restarted. Our daemons keep sleep marks over a restart; a legacy
 * daemon keeps them in memory only, and a newly installed one has none.
 */
function listForgottenSleepers(server: ServerState): string[] {
  const isSame = server.daemonId !== null && server.daemonId === server.debug?.daemonId
  if (isSame || !lacksJobs(server)) return []
  return [...server.schedule.values()].filter(({ job }) => job.sleep).map(({ job }) => job.id)
}

async function restoreSleep(world: World, server: ServerState, ids: string[]): Promise<void> {
  const awake = ids.filter((id) => server.schedule.isAsleep(id) === false)
  if (awake.length === 0) return
  for (const id of awake) await world.ports.daemon.sleepJob(server.ip, id)
  world.log.warn(
    { server: server.ip, jobs: awake },
    'The daemon lost the sleep state of jobs; it was restored',
  )
  await refreshSchedule(world, server)
}

async function register(world: World, server: ServerState): Promise<void> {
  const process = `${server.debug?.daemonId ?? ''} ${server.debug?.startTime ?? ''}`
  if (server.registeredWith === process && !lacksJobs(server)) return
  await world.ports.daemon.setNotify(server.ip, `${findUrlFor(world, server.ip)}${NEWS_PATH}`)
  server.registeredWith = process
}

/** @returns false if the daemon has the jobs of another controller; `conflict` then says so, and nothing was changed */
async function trySendJobs(world: World, server: ServerState): Promise<boolean> {
  try {
    await sendJobs(world, server)
    server.conflict = null
    return true
  } catch (error) {
    if (!hasCode(error, 'CONFLICT')) throw error
    if (server.conflict === null) world.log.error({ server: server.ip }, error.message)
    Object.assign(server, { conflict: error.message, sentVersion: null, dropped: new Map() })
    forgetSchedule(server)
    return false
  }
}

/** Whether the daemon has the jobs of another controller and this one may not take over. */
function belongsToAnother(world: World, server: ServerState): boolean {
  const { controller } = server.debug ?? {}
  return controller !== undefined && controller.id !== world.settings.identity && !mayTakeOver(world, server)
}

/** Allows one takeover in the life of this process, so that two controllers do not take turns forever. */
function mayTakeOver({ settings }: World, { ip, sentVersion, conflict }: ServerState): boolean {
  return sentVersion === null && conflict === null && settings.takesOver(ip)
}

async function sendJobs(world: World, server: ServerState): Promise<void> {
  const version = findPlannedVersion(world, server)
  if (hasJobs(world, server, version)) {
    server.sentVersion = version
    return
  }
  const staysStopped = isStoppedOnPurpose(server)
  const controller = { id: world.settings.identity, url: findUrlFor(world, server.ip) }
  const takeOver = mayTakeOver(world, server)
  const jobs = listPlannedJobs(world, server)
  await world.ports.daemon.setJobs(server.ip, jobs, { version, controller, takeOver })
  if (staysStopped) await world.ports.daemon.stopScheduler(server.ip)
  server.sentVersion = version
  // A new list starts the schedule of a legacy daemon, and gets a version from one of ours.
  if (isLegacyDaemon(server) || server.debug?.listVersion !== undefined)
    server.debug = await world.ports.daemon.debug(server.ip, readKnownVersion(server))
  world.log.info({ server: server.ip, jobs: jobs.length, version }, 'Jobs sent')
}

/** Whether the daemon has this version of its jobs from us, perhaps since before this controller started. */
function hasJobs(world: World, server: ServerState, version: string): boolean {
  const { identity } = world.settings
  if (lacksJobs(server) || belongsToAnother(world, server)) return false
  const { jobsVersion, controller } = server.debug ?? {}
  const isFromUs = controller?.id === identity && controller.url === findUrlFor(world, server.ip)
  return server.sentVersion === version || (isFromUs && jobsVersion === version)
}

/** A legacy daemon that has a list and is stopped was stopped by a user; a new list would start it again. */
function isStoppedOnPurpose(server: ServerState): boolean {
  return isLegacyDaemon(server) && !lacksJobs(server) && server.debug?.crond_status === 'stopped'
}

/** `updateTime` is never (year 1) until a list arrives after the start, and after the daemon dropped our address. */
function lacksJobs({ debug }: ServerState): boolean {
  return debug?.updateTime.startsWith('0001') ?? true
}

export function findPlannedVersion({ inventory }: World, server: ServerState): string {
  const planned = server.leaving ? undefined : inventory.plan.servers.get(server.ip)
  if (!planned) return NO_JOBS_VERSION
  if (!verifiesOnSchedule(server)) return planned.versionWithoutVerify
  return drillsOnSchedule(server) ? planned.version : planned.versionWithoutDrill
}

/** Without those that the daemon would drop because it is older. */
function listPlannedJobs({ inventory }: World, server: ServerState): Job[] {
  const planned = server.leaving ? [] : (inventory.plan.jobsByServer.get(server.ip) ?? [])
  return planned.filter((job) => takesJob(server, job)).map(({ job }) => job)
}

const NO_JOBS_VERSION = hashJobs([])
