import { describeMissingServer } from '../wire/missing-texts.ts'
import { type Answer, refuse } from './answer.ts'
import type { ServerState } from './server-state.ts'
import { seesServer, type UserWorld } from './user-world.ts'

/** Refuses with NOT_FOUND. */
export function findServer(world: UserWorld, ip: string): Answer<ServerState> {
  const server = seesServer(world, ip) ? world.servers.get(ip) : undefined
  return server ?? refuse('NOT_FOUND', describeMissingServer(ip), { ip })
}
