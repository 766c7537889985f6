import type { Problem } from '../lib/problems.ts'
import { hasCapability } from '../wire/capabilities.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { PROTOCOL } from '../wire/daemon-api.ts'
import { DaemonSchedule } from './daemon-schedule.ts'
import type { KnownServer } from './ports.ts'

/** What the controller knows about one daemon. */
export interface ServerState {
  readonly ip: string
  daemonId: string | null
  /** ISO 8601 of its last answer; null before the first. */
  lastSeen: string | null
  /** It left the inventory and has not yet accepted its empty list of jobs. */
  leaving: boolean
  /** The zone of schedules that name none, as the daemon last reported it, perhaps before the start; null: never. */
  timeZone: string | null
  /** Its last answer; null until the first one since the controller started. */
  debug: DaemonDebug | null
  /** Its last runs were read from the catalog since the start, so that failures of before are problems again. */
  hasOutcomes: boolean
  /** Why the last request to it failed; null if it succeeded. */
  error: string | null
  /** Unix ms since when it has not answered; null while it answers. */
  silentSince: number | null
  /** Unix ms: the first and the last of the consecutive polls at which it reported no running task. */
  idle: { since: number; until: number } | null
  failures: number
  /** Unix ms of its last post that could not be used at all; null if there was none. */
  unusablePostAt: number | null
  /** Unix ms. */
  nextPollAt: number
  isPolling: boolean
  /** Its jobs with their times, by the id users see, from the last good answer. */
  schedule: DaemonSchedule
  /** The version of the daemon's list that `schedule` has; null if it has none, or the daemon reports no versions. */
  listVersion: string | null
  /** `schedule` is older than the daemon's last news. */
  scheduleStale: boolean
  /** Unix ms. */
  scheduleReadAt: number
  /** The catalog may differ from its namespace in the store. */
  listingStale: boolean
  /** A daemon told of its backups after the start, perhaps with reports that are older than a list of the store. */
  wasTold: boolean
  /** A list that began after the last reason for one has ended. */
  isListed: boolean
  /** How often in a row listing it has failed. */
  relistFailures: number
  /** By Clock.elapsed(), ms: it is not listed before. */
  relistAt: number
  /** Version of its jobs in the inventory in force; null before the first one since the start. */
  plannedVersion: string | null
  /** Version of the jobs it accepted from this controller; null before the first. */
  sentVersion: string | null
  /** Daemon id and start time of the process that has our notify address; null if none has. */
  registeredWith: string | null
  /** Why it refuses jobs from this controller: it has those of another one. null if it does not. */
  conflict: string | null
  /** Jobs that it was sent but does not list, by the id users see, with the reason. */
  dropped: Map<string, string>
  /** As it is in the catalog; null if it is not. */
  saved: KnownServer | null
}

export function newServer(ip: string): ServerState {
  return {
    ip,
    daemonId: null,
    lastSeen: null,
    leaving: false,
    timeZone: null,
    debug: null,
    hasOutcomes: false,
    error: null,
    silentSince: null,
    idle: null,
    failures: 0,
    unusablePostAt: null,
    nextPollAt: 0,
    isPolling: false,
    schedule: new DaemonSchedule(),
    listVersion: null,
    scheduleStale: false,
    scheduleReadAt: 0,
    listingStale: false,
    wasTold: false,
    isListed: false,
    relistFailures: 0,
    relistAt: 0,
    plannedVersion: null,
    sentVersion: null,
    registeredWith: null,
    conflict: null,
    dropped: new Map(),
    saved: null,
  }
}

/** Whether the catalog has the backups of its namespace as they were after the last change that is known. */
export function hasListedBackups({ isListed, listingStale, wasTold }: ServerState): boolean {
  return isListed && !listingStale && !wasTold
}

export function isReachable(server: ServerState): boolean {
  return server.debug !== null && server.silentSince === null
}

/** Whether it is a legacy daemon: it has answered, without our protocol version. */
export function isLegacyDaemon(server: ServerState): boolean {
  return server.debug !== null && server.debug.protocol !== PROTOCOL
}

/** Whether it takes verify jobs; an older daemon would drop them. */
export function verifiesOnSchedule({ debug }: Pick<ServerState, 'debug'>): boolean {
  return hasCapability(debug, 'verify-schedule')
}

/** Whether it takes drill jobs: an older daemon would drop them, and one without --drill-dir could do nothing. */
export function drillsOnSchedule({ debug }: Pick<ServerState, 'debug'>): boolean {
  return hasCapability(debug, 'drill-schedule')
}

/** Whether its problems include failed runs; those of legacy and older daemons do not. */
export function reportsFailures(server: ServerState): boolean {
  return hasCapability(server.debug, 'failures')
}

const LEGACY_LIMITS =
  'It is a legacy daemon: no progress, no cancelling, no manifests, and no backup of another server can go there'

/** What the daemon supports besides the legacy routes. */
export function listServerCapabilities(server: ServerState): string[] {
  return isLegacyDaemon(server) ? ['original'] : (server.debug?.capabilities ?? [])
}

/**
 * Everything an operator should know about the server, one sentence each; empty if all is well.
 * @param own the problems of this server that the controller itself found
 */
export function listServerProblems(server: ServerState, own: readonly Problem[] = []): string[] {
  const age = isLegacyDaemon(server) ? [LEGACY_LIMITS] : []
  return shorten([...findFaults(server, own), ...age, ...server.dropped.values()])
}

/** A query may ask for the problems of a server once for each of its jobs. */
const MAX_PROBLEM_CHARACTERS = 16_000

function shorten(problems: string[]): string[] {
  let length = 0
  const fitting = problems.findIndex((text) => {
    length += text.length
    return length > MAX_PROBLEM_CHARACTERS
  })
  if (fitting < 0) return problems
  const more = problems.length - fitting
  return [...problems.slice(0, fitting), `${more} more problems are not listed here: solve these first`]
}

/** What prevents backups from being made or listed. Being a legacy daemon is not a fault. */
export function listServerFaults(server: ServerState, own: readonly Problem[]): string[] {
  return [...findFaults(server, own), ...server.dropped.values()]
}

function findFaults(server: ServerState, own: readonly Problem[]): string[] {
  const { error, leaving, debug } = server
  const reported = debug?.problems ?? []
  const storeError = debug?.store?.error
  const faults = [
    error,
    server.conflict,
    leaving &&
      'It left the inventory; it has not yet accepted its empty list of jobs, or its last runs have not ended',
    isForeign(server) && `The daemon there says it is ${debug?.ip}, so it is sent no jobs`,
    debug?.crond_status === 'stopped' && 'Its scheduler is stopped: no job starts on its own',
    ...reported,
    storeError && !reported.some((text) => text.includes(storeError)) && `Its store: ${storeError}`,
    ...own.map(({ text }) => text),
  ]
  return faults.filter((fault): fault is string => typeof fault === 'string' && fault !== '')
}

/** Whether the daemon runs for another IP; its jobs would write to another namespace. */
export function isForeign(server: ServerState): boolean {
  const ip = server.debug?.ip
  return ip !== undefined && ip !== server.ip
}
