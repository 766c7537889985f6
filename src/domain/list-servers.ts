import { compareTexts } from '../lib/compare-texts.ts'
import { parseCursor } from '../wire/cursor.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { ipv4Hex } from '../wire/ids.ts'
import { capCount, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { type Answer, isRefused } from './answer.ts'
import { cutPage } from './cut-page.ts'
import { findServer } from './find-server.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { isReachable, type ServerState } from './server-state.ts'
import { seesApp, seesEverything, seesServer, type UserWorld } from './user-world.ts'

export interface ServerFilter {
  /** Only servers on which this app has volumes. */
  app?: string | undefined
  reachable?: boolean | undefined
}

export function listServers(world: UserWorld, { app, reachable }: ServerFilter): ServerState[] {
  if (app !== undefined && !seesApp(world, app)) return []
  const ofApp = app === undefined ? undefined : (world.inventory.plan.serversByApp.get(app) ?? new Set())
  const isWhole = seesEverything(world)
  return [...world.servers.values()].filter(
    (server) =>
      (reachable === undefined || isReachable(server) === reachable) &&
      (ofApp === undefined || ofApp.has(server.ip)) &&
      (isWhole || seesServer(world, server.ip)),
  )
}

const CURSOR = 'server'

export function getServer(world: UserWorld, ip: string): ServerState | undefined {
  return seesServer(world, ip) ? world.servers.get(ip) : undefined
}

/** Sorted by address. Throws BAD_INPUT for a bad cursor. */
export function findServers(world: UserWorld, filter: ServerFilter, page: Page): Slice<ServerState> {
  const after = parseCursor(CURSOR, page)
  const sorted = listServers(world, filter).sort((one, other) => compareTexts(sortKey(one), sortKey(other)))
  return cutPage(sorted, page, {
    matches: () => true,
    cursor: (server) => [CURSOR, sortKey(server)],
    isReached: (server) => after === undefined || sortKey(server) > after,
  })
}

export function countServers(world: UserWorld, filter: ServerFilter): ListCount {
  return capCount(listServers(world, filter).length)
}

function sortKey({ ip }: ServerState): string {
  return ipv4Hex(ip)
}

/** Reads the daemon's state now. Throws DAEMON_UNREACHABLE. */
export async function readDebug(world: UserWorld, ip: string): Promise<Answer<DaemonDebug>> {
  const server = findServer(world, ip)
  if (isRefused(server)) return server
  const refusal = refuseUnlessPermitted(world, 'view', 'everything')
  if (refusal) return refusal
  server.debug = await world.ports.daemon.debug(ip)
  return server.debug
}
