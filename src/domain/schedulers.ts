import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { findPermittedServer } from './find-server.ts'
import type { ServerState } from './server-state.ts'
import { pollServer } from './servers.ts'
import type { UserWorld } from './user-world.ts'

/** Lets the schedule start the server's jobs again. */
export function startScheduler(world: UserWorld, ip: string): Promise<Answer<ServerState>> {
  return switchScheduler(world, { verb: 'startScheduler', ip }, () => world.ports.daemon.startScheduler(ip))
}

/** Stops the server's schedule: no job starts on its own until it is started again. Running jobs continue. */
export function stopScheduler(world: UserWorld, ip: string): Promise<Answer<ServerState>> {
  return switchScheduler(world, { verb: 'stopScheduler', ip }, () => world.ports.daemon.stopScheduler(ip))
}

interface SchedulerRequest {
  verb: string
  ip: string
}

function switchScheduler(
  world: UserWorld,
  { verb, ip }: SchedulerRequest,
  ask: () => Promise<void>,
): Promise<Answer<ServerState>> {
  return audited(
    world,
    { verb, facts: { ip } },
    {
      check: () => findPermittedServer(world, ip, 'scheduler'),
      async act(server) {
        await ask()
        server.debug = await world.ports.daemon.debug(ip)
        void pollServer(world, server)
        return server
      },
    },
  )
}
