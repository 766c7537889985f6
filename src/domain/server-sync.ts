import { BackupdError } from '../lib/errors.ts'
import type { Job, ScheduledJob } from '../wire/job.ts'
import { expireJobId } from './expire-job.ts'
import { versionOf } from './make-plan.ts'
import { isForeign, isOriginal, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

/** Gives the daemon its jobs and our notify address where it lacks them, and reads its schedule. */
export async function bringUpToDate(world: World, server: ServerState): Promise<void> {
  if (isForeign(server)) {
    server.schedule = new Map()
    return
  }
  const asleep = sleepersToRecall(server)
  if (!server.leaving && !isOfAnother(world, server)) await register(world, server)
  do {
    if (!(await trySendJobs(world, server))) return
    await refreshSchedule(world, server)
  } while (server.sentVersion !== wantedJobs(world, server).version)
  await putToSleepAgain(world, server, asleep)
}

/** Reads the daemon's jobs with their times, and notes which of ours it did not take. */
export async function refreshSchedule(world: World, server: ServerState): Promise<void> {
  server.scheduleStale = false
  server.scheduleReadAt = world.clock.now()
  const listed = await world.ports.daemon.jobs(server.ip)
  server.schedule = new Map(listed.map((scheduled) => [idForUsers(server.ip, scheduled), scheduled]))
  server.dropped = server.leaving ? new Map() : droppedJobs(world, server)
}

/**
 * Jobs that slept on the daemon that was there before. One of ours keeps its marks over a restart; an original keeps
 * them in memory, and one that took another's place has none.
 */
function sleepersToRecall(server: ServerState): string[] {
  const isSame = server.daemonId !== null && server.daemonId === server.debug?.daemonId
  if (isSame || !lacksJobs(server)) return []
  return [...server.schedule.values()].filter(({ job }) => job.sleep).map(({ job }) => job.id)
}

async function putToSleepAgain(world: World, server: ServerState, ids: string[]): Promise<void> {
  const awake = ids.filter((id) => server.schedule.get(id)?.job.sleep === false)
  if (awake.length === 0) return
  for (const id of awake) await world.ports.daemon.sleepJob(server.ip, id)
  world.log.warn(
    { server: server.ip, jobs: awake },
    'The daemon had forgotten that jobs sleep; they sleep again',
  )
  await refreshSchedule(world, server)
}

async function register(world: World, server: ServerState): Promise<void> {
  const process = `${server.debug?.daemonId ?? ''} ${server.debug?.startTime ?? ''}`
  if (server.registeredWith === process && !lacksJobs(server)) return
  await world.ports.daemon.setNotify(server.ip, `${world.settings.advertise}/api/v2/system/notify`)
  server.registeredWith = process
}

/** @returns false where its jobs are from another controller; that is said in `conflict`, and nothing was changed. */
async function trySendJobs(world: World, server: ServerState): Promise<boolean> {
  try {
    await sendJobs(world, server)
    server.conflict = null
    return true
  } catch (error) {
    if (!(error instanceof BackupdError) || error.code !== 'CONFLICT') throw error
    if (server.conflict === null) world.log.error({ server: server.ip }, error.message)
    Object.assign(server, {
      conflict: error.message,
      sentVersion: null,
      schedule: new Map(),
      dropped: new Map(),
    })
    return false
  }
}

/** The jobs there are from another controller, and this one is not to take them over. */
function isOfAnother(world: World, server: ServerState): boolean {
  const { controller } = server.debug ?? {}
  return controller !== undefined && controller.id !== world.settings.identity && !mayTakeOver(world, server)
}

/** Once in the life of this process: two that take over must not go on taking it from each other. */
function mayTakeOver({ settings }: World, { ip, sentVersion, conflict }: ServerState): boolean {
  return sentVersion === null && conflict === null && settings.takesOver(ip)
}

async function sendJobs(world: World, server: ServerState): Promise<void> {
  const { jobs, version } = wantedJobs(world, server)
  if (server.sentVersion === version && !lacksJobs(server) && !isOfAnother(world, server)) return
  const staysStopped = isStoppedOnPurpose(server)
  const { identity, advertise } = world.settings
  const controller = { id: identity, url: advertise }
  const takeOver = mayTakeOver(world, server)
  await world.ports.daemon.setJobs(server.ip, jobs, { version, controller, takeOver })
  if (staysStopped) await world.ports.daemon.stopScheduler(server.ip)
  server.sentVersion = version
  // A list starts an original's schedule.
  if (isOriginal(server)) server.debug = await world.ports.daemon.debug(server.ip)
  world.log.info({ server: server.ip, jobs: jobs.length, version }, 'Jobs sent')
}

/** An original that has had a list was stopped by somebody, and a list would start it again. */
function isStoppedOnPurpose(server: ServerState): boolean {
  return isOriginal(server) && !lacksJobs(server) && server.debug?.crond_status === 'stopped'
}

/** A daemon tells no time of its last list from its start on until one comes, and again when it gave our address up. */
function lacksJobs({ debug }: ServerState): boolean {
  return debug?.updateTime.startsWith('0001') ?? true
}

function wantedJobs(world: World, server: ServerState): { jobs: Job[]; version: string } {
  const planned = server.leaving ? undefined : world.inventory.plan.servers.get(server.ip)
  return planned ?? { jobs: [], version: versionOf([]) }
}

function idForUsers(server: string, { job }: ScheduledJob): string {
  return job.id === '' && job.action === 'backup_expire' ? expireJobId(server) : job.id
}

function droppedJobs(world: World, server: ServerState): Map<string, string> {
  const dropped = new Map<string, string>()
  for (const planned of world.inventory.plan.jobs.values()) {
    if (planned.server !== server.ip || server.schedule.has(planned.id)) continue
    const { action, spec } = planned.job
    const of = planned.volume ? `of ${planned.volume.name} (${planned.volume.proc})` : `of the server`
    dropped.set(
      planned.id,
      `The daemon does not run the job "${spec}" ${action} ${of}: see that the spec is a schedule and the path allowed`,
    )
  }
  return dropped
}
