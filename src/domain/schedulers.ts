import { type Answer, isRefused } from './answer.ts'
import { audited } from './audit.ts'
import { findServer } from './find-server.ts'
import type { ServerState } from './server-state.ts'
import { pollServer } from './servers.ts'
import type { World } from './world.ts'

/** Lets the schedule start the server's jobs again. */
export function startScheduler(world: World, who: string, ip: string): Promise<Answer<ServerState>> {
  return switchScheduler(world, { who, verb: 'startScheduler', ip }, () =>
    world.ports.daemon.startScheduler(ip),
  )
}

/** Stops the server's schedule: no job starts on its own until it is started again. Running jobs continue. */
export function stopScheduler(world: World, who: string, ip: string): Promise<Answer<ServerState>> {
  return switchScheduler(world, { who, verb: 'stopScheduler', ip }, () =>
    world.ports.daemon.stopScheduler(ip),
  )
}

interface SchedulerRequest {
  who: string
  verb: string
  ip: string
}

function switchScheduler(
  world: World,
  { who, verb, ip }: SchedulerRequest,
  ask: () => Promise<void>,
): Promise<Answer<ServerState>> {
  return audited(world, { who, verb, facts: { ip } }, async () => {
    const server = findServer(world, ip)
    if (isRefused(server)) return server
    await ask()
    server.debug = await world.ports.daemon.debug(ip)
    void pollServer(world, server)
    return server
  })
}
