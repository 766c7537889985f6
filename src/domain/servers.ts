import { isoTime } from '../lib/clock.ts'
import { BackupdError, hasCode, messageOf } from '../lib/errors.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { clockWitness, reportDaemonClock } from './clocks.ts'
import { nameUpdate, syncAuthoritiesSoon } from './enrolment/sync-authorities.ts'
import { dropOldOutcomes, restoreOutcomes } from './failed-runs.ts'
import { relistSoon } from './listing.ts'
import { forgetServerAlarms, noteServerAlarms } from './note-alarms.ts'
import { reviveRuns } from './revive-runs.ts'
import { saveServers } from './save-servers.ts'
import { readKnownVersion, refreshSchedule } from './schedule.ts'
import { isReachable, newServer, type ServerState } from './server-state.ts'
import { syncServer } from './server-sync.ts'
import { noteServerHealth } from './update-health.ts'
import type { World } from './world.ts'

export const POLL_EVERY_MS = 30_000
/** A daemon that does not answer is asked again after 1 s, 2 s, 4 s, … at most POLL_EVERY_MS. */
const FIRST_RETRY_MS = 1000
/** Least time between two reads of a schedule, plus 1 ms for each job. */
const SCHEDULE_GAP_MS = 1000
/** After a start of the controller, all daemons are asked within this time. */
const FIRST_ROUND_SECONDS = 10

/**
 * Restores the known servers. Those no longer in the inventory still have to accept an empty list. All backups are
 * listed again, because the catalog may still have some that were deleted just before the controller stopped.
 */
export async function restoreServers(world: World): Promise<void> {
  for (const saved of await world.ports.servers.all()) {
    const { ip, daemonId, lastSeen, timeZone } = saved
    const leaving = !world.inventory.plan.servers.has(ip)
    world.servers.set(ip, {
      ...newServer(ip),
      daemonId,
      lastSeen,
      leaving,
      timeZone,
      listingStale: true,
      saved,
    })
    world.health.noteServer(
      ip,
      { zone: timeZone, isStopped: false, clockOffsetMs: 0, verifies: true },
      new Map(),
    )
  }
}

/** Updates the servers from the inventory in force, and polls those whose jobs it changed. */
export async function applyInventory(world: World): Promise<void> {
  for (const ip of world.inventory.plan.servers.keys()) {
    if (!world.servers.has(ip)) world.servers.set(ip, newServer(ip))
  }
  for (const server of world.servers.values()) applyPlan(world, server)
  dropOldOutcomes(world)
  pollDue(world)
  await saveServers(world)
}

function applyPlan(world: World, server: ServerState): void {
  const leaving = !world.inventory.plan.servers.has(server.ip)
  if (leaving && !server.leaving)
    world.log.warn({ server: server.ip }, 'A server left the inventory: its jobs end')
  server.leaving = leaving
  // Not the version that is sent: that also changes when the daemon first says what it can do.
  const version = world.inventory.plan.servers.get(server.ip)?.version ?? null
  if (server.plannedVersion !== version) server.nextPollAt = 0
  server.plannedVersion = version
}

/**
 * Polls the daemons that are due, each in its own background task, so that a slow one delays no other. Call it several
 * times a second: in a large fleet each call starts only some, those that have waited longest first.
 */
export function pollDue(world: World): void {
  const now = world.clock.now()
  const due = [...world.servers.values()].filter((server) => isPollDue(server, now))
  for (const server of due.sort((one, other) => one.nextPollAt - other.nextPollAt))
    if (!tryPoll(world, server)) break
  refreshDue(world, now)
}

/** Returns false if too many daemons were asked just now. */
function tryPoll(world: World, server: ServerState): boolean {
  const mayStart = world.polling.polls.tryStart(world.servers.size / FIRST_ROUND_SECONDS)
  if (mayStart) void pollServer(world, server)
  return mayStart
}

function isPollDue({ isPolling, nextPollAt }: ServerState, now: number): boolean {
  const clockWentBack = nextPollAt - now > POLL_EVERY_MS
  return !isPolling && (now >= nextPollAt || clockWentBack)
}

function refreshDue(world: World, now: number): void {
  const stale = [...world.servers.values()].filter(
    (server) => !server.isPolling && isReachable(server) && isScheduleDue(server, now),
  )
  for (const server of stale.sort((one, other) => one.scheduleReadAt - other.scheduleReadAt)) {
    if (!world.polling.refreshes.tryStart(0)) return
    refreshSoon(world, server)
  }
}

/** Limits how often a schedule is read, because it may list thousands of jobs. */
function isScheduleDue({ scheduleStale, scheduleReadAt, schedule }: ServerState, now: number): boolean {
  return scheduleStale && Math.abs(now - scheduleReadAt) >= SCHEDULE_GAP_MS + schedule.size
}

/** Reads the daemon's state and sends it what it lacks. Never rejects. */
export function pollServer(world: World, server: ServerState): Promise<void> {
  return world.background.run(`talk to the daemon on ${server.ip}`, async () => {
    server.nextPollAt = world.clock.now() + spread(world, POLL_EVERY_MS)
    server.isPolling = true
    await poll(world, server).finally(() => {
      server.isPolling = false
    })
    noteServerAlarms(world, server)
    world.notify.polledAt = world.clock.elapsed()
  })
}

/** Up to a tenth less, at random, so that daemons asked at the same time drift apart. */
function spread({ polling }: World, ms: number): number {
  return ms * (0.9 + 0.1 * polling.random())
}

/**
 * Notes that news came from a server. Looks at no other server, because each post calls this, also a refused one.
 * @param changed a run began or ended, so its schedule is stale
 */
export function noteNewsFrom(world: World, ip: string, changed: boolean): void {
  const server = world.servers.get(ip)
  if (!server) return
  server.scheduleStale ||= changed
  if (changed) world.relisting.prefer(ip)
  if (isReachable(server) || server.isPolling) return
  server.nextPollAt = 0
  tryPoll(world, server)
}

async function poll(world: World, server: ServerState): Promise<void> {
  try {
    const request = { witness: clockWitness(world, server), ...readKnownVersion(server) }
    server.debug = await world.ports.daemon.debug(server.ip, request)
    reportDaemonClock(world, server.debug)
    if (!server.hasOutcomes) restoreOutcomesSoon(world, server)
    noteIdle(server, server.debug, world.clock.now())
    world.ledger.noteAlive(server.debug.running ?? [], server.ip)
    // A post that waits names them, too.
    if (!world.newsGate.hasPosts(server.ip)) reviveRuns(world, server.ip, server.debug.running ?? [])
    await syncServer(world, server)
    syncAuthoritiesSoon(world, server)
    await noteAnswer(world, server)
    noteServerHealth(world, server)
  } catch (error) {
    noteFailure(world, server, error)
  }
}

function noteIdle(server: ServerState, { running_tasks }: DaemonDebug, now: number): void {
  server.idle = running_tasks > 0 ? null : { since: server.idle?.since ?? now, until: now }
}

async function noteAnswer(world: World, server: ServerState): Promise<void> {
  if (server.error) {
    world.log.info({ server: server.ip }, 'The daemon answers again')
    server.relistAt = 0
  }
  const daemonId = server.debug?.daemonId ?? null
  if (server.lastSeen === null || server.daemonId !== daemonId) server.listingStale = true
  Object.assign(server, {
    error: null,
    silentSince: null,
    failures: 0,
    daemonId,
    timeZone: server.debug?.timeZone ?? server.timeZone,
    lastSeen: isoTime(world.clock.now()),
  })
  const isGone = server.leaving && server.schedule.size === 0 && !world.ledger.hasLive(server.ip)
  if (isGone) return forget(world, server)
  if (server.listingStale) relistSoon(world, server)
}

function noteFailure(world: World, server: ServerState, error: unknown): void {
  const now = world.clock.now()
  if (!server.error) world.log.warn({ server: server.ip, err: error }, 'A request to a daemon failed')
  server.error = messageOf(error)
  server.idle = null
  const silent = hasCode(error, 'DAEMON_UNREACHABLE')
  server.silentSince = silent ? (server.silentSince ?? now) : null
  server.nextPollAt = now + spread(world, Math.min(POLL_EVERY_MS, FIRST_RETRY_MS * 2 ** server.failures))
  server.failures += 1
}

/** If it fails, the next poll tries again. */
function restoreOutcomesSoon(world: World, server: ServerState): void {
  void world.background.run(nameRecall(server.ip), async () => {
    await restoreOutcomes(world, server.ip)
    server.hasOutcomes = true
  })
}

function nameRecall(ip: string): string {
  return `recall the last runs of ${ip}`
}

/** If it fails, a poll follows at once: that tells what is wrong, and when it is over. */
function refreshSoon(world: World, server: ServerState): void {
  void world.background.run(`list the jobs of ${server.ip}`, async () => {
    try {
      // The daemon's answer also has a failed run as a problem, which is shown before the next poll.
      await refreshSchedule(world, server)
      noteServerHealth(world, server)
    } catch (error) {
      if (!(error instanceof BackupdError)) throw error
      server.nextPollAt = 0
    }
  })
}

async function forget(world: World, server: ServerState): Promise<void> {
  world.log.info({ server: server.ip }, 'A server that left the inventory has no jobs any more')
  world.servers.delete(server.ip)
  forgetServerAlarms(world, server.ip)
  world.readers.forget(server.ip)
  world.relisting.forget(server.ip)
  world.background.forget(nameRecall(server.ip))
  world.background.forget(nameUpdate(server.ip))
  await world.ports.servers.remove(server.ip)
}
