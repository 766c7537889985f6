import { describeMissingServer } from '../wire/missing-texts.ts'
import type { AccessAction } from './access/roles.ts'
import { type Answer, isRefused, refuse } from './answer.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { ServerState } from './server-state.ts'
import { seesServer, type UserWorld } from './user-world.ts'

/** Refuses with NOT_FOUND. */
export function findServer(world: UserWorld, ip: string): Answer<ServerState> {
  const server = seesServer(world, ip) ? world.servers.get(ip) : undefined
  return server ?? refuse('NOT_FOUND', describeMissingServer(ip), { ip })
}

/** The same for a caller who wants to do something that takes a role for everything. */
export function findPermittedServer(world: UserWorld, ip: string, action: AccessAction): Answer<ServerState> {
  const server = findServer(world, ip)
  if (isRefused(server)) return server
  return refuseUnlessPermitted(world, action, 'everything') ?? server
}
