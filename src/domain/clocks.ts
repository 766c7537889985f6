import type { ClockWitness } from '../lib/trusted-clock.ts'
import { hasCapability } from '../wire/capabilities.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { findPermittedServer } from './find-server.ts'
import type { ServerState } from './server-state.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** Our clock, for a daemon that can compare it with its own; undefined while ours is in doubt. */
export function clockWitness({ trustedClock }: World, server: ServerState): ClockWitness | undefined {
  const isUnderstood = hasCapability(server.debug, 'clock')
  if (!isUnderstood || !trustedClock || trustedClock.doubt) return undefined
  return { nowMs: trustedClock.wallMs, bootId: trustedClock.bootId }
}

/** Reports a daemon's clock that is not in doubt to our own, whose doubt it may end. */
export function reportDaemonClock({ trustedClock }: World, { clock }: DaemonDebug): void {
  if (clock && !clock.inDoubt) trustedClock?.compareWith({ nowMs: clock.now, bootId: clock.boot })
}

/** Reports a doubt of our own clock as a problem. */
export function reportClock({ trustedClock, problems }: World): void {
  if (trustedClock) problems.replace('clock', trustedClock.problems)
}

/** The operator confirms the server's clock, and with it ours if both programs run on one machine. */
export function confirmClock(world: UserWorld, ip: string): Promise<Answer<ServerState>> {
  return audited(
    world,
    { verb: 'confirmClock', facts: { ip } },
    {
      check: () => findPermittedServer(world, ip, 'clock'),
      async act(server) {
        await world.ports.daemon.confirmClock(ip)
        server.debug = await world.ports.daemon.debug(ip)
        const { trustedClock } = world
        if (trustedClock && trustedClock.bootId === server.debug.clock?.boot) trustedClock.confirm()
        return server
      },
    },
  )
}
