import { describeMissingServer } from '../wire/missing-texts.ts'
import { type Answer, refuse } from './answer.ts'
import type { ServerState } from './server-state.ts'
import type { World } from './world.ts'

/** Refuses with NOT_FOUND. */
export function findServer(world: World, ip: string): Answer<ServerState> {
  return world.servers.get(ip) ?? refuse('NOT_FOUND', describeMissingServer(ip), { ip })
}
