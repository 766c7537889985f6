import type { ClockWitness } from '../lib/trusted-clock.ts'
import { hasCapability } from '../wire/capabilities.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import type { ServerState } from './server-state.ts'
import type { World } from './world.ts'

/** Our clock, for a daemon that can compare it with its own; undefined while ours is in doubt. */
export function clockWitness({ trustedClock }: World, server: ServerState): ClockWitness | undefined {
  const isUnderstood = hasCapability(server.debug, 'clock')
  if (!isUnderstood || !trustedClock || trustedClock.doubt) return undefined
  return { nowMs: trustedClock.wallMs, bootId: trustedClock.bootId }
}

/** The clock of a daemon that is not in doubt can end the doubt of ours. */
export function hearClock({ trustedClock }: World, { clock }: DaemonDebug): void {
  if (clock && !clock.inDoubt) trustedClock?.hear({ nowMs: clock.now, bootId: clock.boot })
}

/** Puts a doubt of our own clock on the board. */
export function reportClock({ trustedClock, problems }: World): void {
  if (trustedClock) problems.replace('clock', trustedClock.problems)
}

/** The operator says that the clock of the server is right; ours too, where both programs run on one machine. */
export function confirmClock(world: World, who: string, ip: string): Promise<Answer<ServerState>> {
  return audited(world, { who, verb: 'confirmClock', facts: { ip } }, async () => {
    const server = world.servers.get(ip)
    if (!server) return refuse('NOT_FOUND', `There is no server "${ip}" in the inventory`, { ip })
    await world.ports.daemon.confirmClock(ip)
    server.debug = await world.ports.daemon.debug(ip)
    const { trustedClock } = world
    if (trustedClock && trustedClock.bootId === server.debug.clock?.boot) trustedClock.confirm()
    return server
  })
}
