import type { Problem } from '../lib/problems.ts'
import { hasCapability } from '../wire/capabilities.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { PROTOCOL } from '../wire/daemon-api.ts'
import type { ScheduledJob } from '../wire/job.ts'

/** What the controller knows of one daemon. */
export interface ServerState {
  readonly ip: string
  daemonId: string | null
  /** ISO 8601 of its last word; null before the first. */
  lastSeen: string | null
  /** Left the inventory and has not yet taken its empty list. */
  leaving: boolean
  /** Its last answer; null until the first since the controller started. */
  debug: DaemonDebug | null
  /** Why the last attempt to talk to it failed; null where it did not. */
  error: string | null
  /** Unix ms since when it has not answered; null while it does. */
  silentSince: number | null
  /** Unix ms: the first and the last of the polls at which it has said, in a row, that nothing runs there. */
  idle: { since: number; until: number } | null
  failures: number
  /** Unix ms. */
  nextPollAt: number
  /** Its jobs with their times, by the id users see; as of the last good answer. */
  schedule: Map<string, ScheduledJob>
  /** Its schedule is older than its last news. */
  scheduleStale: boolean
  /** Unix ms. */
  scheduleReadAt: number
  /** The catalog may not hold what its namespace in the store holds. */
  listingStale: boolean
  /** Version of the jobs it took from this controller; null before the first. */
  sentVersion: string | null
  /** The start time of the daemon's process that knows our notify address; null where none does. */
  registeredWith: string | null
  /** Why it takes no jobs from this controller: they are from another one. null where that is not so. */
  conflict: string | null
  /** Jobs it was sent and does not list, by the id users see, with the reason. */
  dropped: Map<string, string>
}

export function newServer(ip: string): ServerState {
  return {
    ip,
    daemonId: null,
    lastSeen: null,
    leaving: false,
    debug: null,
    error: null,
    silentSince: null,
    idle: null,
    failures: 0,
    nextPollAt: 0,
    schedule: new Map(),
    scheduleStale: false,
    scheduleReadAt: 0,
    listingStale: false,
    sentVersion: null,
    registeredWith: null,
    conflict: null,
    dropped: new Map(),
  }
}

export function isReachable(server: ServerState): boolean {
  return server.debug !== null && server.silentSince === null
}

/** Answered at least once, and without a protocol: it knows nothing of ours. */
export function isOriginal(server: ServerState): boolean {
  return server.debug !== null && server.debug.protocol !== PROTOCOL
}

/** Whether its problems name runs that did not succeed: those of legacy and earlier daemons do not. */
export function tellsFailures(server: ServerState): boolean {
  return hasCapability(server.debug, 'failures')
}

const ORIGINAL_LACKS =
  'It is an original daemon: no progress, no cancelling, no manifests, and no backup of another server can go there'

/** What can be counted on, besides the recorded routes. */
export function capabilitiesOf(server: ServerState): string[] {
  return isOriginal(server) ? ['original'] : (server.debug?.capabilities ?? [])
}

/**
 * Everything an operator should know of it, each a sentence; empty when all is well.
 * @param board what the controller itself found out
 */
export function problemsOf(server: ServerState, board: readonly Problem[] = []): string[] {
  const age = isOriginal(server) ? [ORIGINAL_LACKS] : []
  return [...toldFaults(server, board), ...age, ...server.dropped.values()]
}

/** What keeps backups from being made or seen there. That a daemon is a legacy one is no fault. */
export function listFaults(server: ServerState, board: readonly Problem[]): string[] {
  return [...toldFaults(server, board), ...server.dropped.values()]
}

function toldFaults(server: ServerState, board: readonly Problem[]): string[] {
  const { ip, error, leaving, debug } = server
  const told = debug?.problems ?? []
  const storeError = debug?.store?.error
  const faults = [
    error,
    server.conflict,
    leaving &&
      'It left the inventory; it has not yet taken its empty list of jobs, or its last runs have not ended',
    isForeign(server) && `The daemon there says it is ${debug?.ip}, so it is sent no jobs`,
    debug?.crond_status === 'stopped' && 'Its scheduler is stopped: no job starts by itself',
    ...told,
    storeError && !told.some((text) => text.includes(storeError)) && `Its store: ${storeError}`,
    ...board.filter(({ about }) => about === ip).map(({ text }) => text),
  ]
  return faults.filter((fault): fault is string => typeof fault === 'string' && fault !== '')
}

/** A daemon that runs for another IP would write into another namespace. */
export function isForeign(server: ServerState): boolean {
  const ip = server.debug?.ip
  return ip !== undefined && ip !== server.ip
}
