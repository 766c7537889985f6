import { compareTexts } from '../lib/compare-texts.ts'
import { parseCursor } from '../wire/cursor.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { ipv4Hex } from '../wire/ids.ts'
import { capCount, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { type Answer, isRefused } from './answer.ts'
import { cutPage } from './cut-page.ts'
import { findServer } from './find-server.ts'
import { isReachable, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

export interface ServerFilter {
  /** Only servers on which this app has volumes. */
  app?: string | undefined
  reachable?: boolean | undefined
}

export function listServers(world: World, { app, reachable }: ServerFilter): ServerState[] {
  const ofApp = app === undefined ? undefined : (world.inventory.plan.serversByApp.get(app) ?? new Set())
  return [...world.servers.values()].filter(
    (server) =>
      (reachable === undefined || isReachable(server) === reachable) &&
      (ofApp === undefined || ofApp.has(server.ip)),
  )
}

const CURSOR = 'server'

/** Sorted by address. Throws BAD_INPUT for a bad cursor. */
export function findServers(world: World, filter: ServerFilter, page: Page): Slice<ServerState> {
  const after = parseCursor(CURSOR, page)
  const sorted = listServers(world, filter).sort((one, other) => compareTexts(sortKey(one), sortKey(other)))
  return cutPage(sorted, page, {
    matches: () => true,
    cursor: (server) => [CURSOR, sortKey(server)],
    isReached: (server) => after === undefined || sortKey(server) > after,
  })
}

export function countServers(world: World, filter: ServerFilter): ListCount {
  return capCount(listServers(world, filter).length)
}

function sortKey({ ip }: ServerState): string {
  return ipv4Hex(ip)
}

/** Reads the daemon's state now. Throws DAEMON_UNREACHABLE. */
export async function readDebug(world: World, ip: string): Promise<Answer<DaemonDebug>> {
  const server = findServer(world, ip)
  if (isRefused(server)) return server
  server.debug = await world.ports.daemon.debug(ip)
  return server.debug
}
