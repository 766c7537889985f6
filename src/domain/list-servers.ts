import type { DaemonDebug } from '../wire/daemon-api.ts'
import { type Answer, refuse } from './answer.ts'
import { isReachable, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

export interface ServerFilter {
  /** Only servers on which this app has volumes. */
  app?: string | undefined
  reachable?: boolean | undefined
}

export function listServers(world: World, { app, reachable }: ServerFilter): ServerState[] {
  return [...world.servers.values()].filter(
    (server) =>
      (reachable === undefined || isReachable(server) === reachable) &&
      (app === undefined || hasVolumesOf(world, server, app)),
  )
}

function hasVolumesOf(world: World, { ip }: ServerState, app: string): boolean {
  return world.inventory.plan.volumes.some((volume) => volume.app === app && volume.server === ip)
}

/** Reads the daemon's state now. Throws DAEMON_UNREACHABLE. */
export async function readDebug(world: World, ip: string): Promise<Answer<DaemonDebug>> {
  const server = world.servers.get(ip)
  if (!server) return refuse('NOT_FOUND', `There is no server "${ip}" in the inventory`, { ip })
  server.debug = await world.ports.daemon.debug(ip)
  return server.debug
}
